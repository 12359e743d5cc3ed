// Kubernetes' MicroTime: RFC 3339 with microseconds.

/** `wallMs` is milliseconds since the epoch. */
export const microTime = (wallMs: number): string => `${new Date(wallMs).toISOString().slice(0, -1)}000Z`;
