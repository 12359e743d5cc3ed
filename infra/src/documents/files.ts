// The parts of a file's path; pure.

export const directoryOf = (file: string): string => file.slice(0, file.lastIndexOf('/'));
export const nameOf = (file: string): string => file.slice(file.lastIndexOf('/') + 1);
