// The public API: components that install JASM from any Pulumi program.
export { ChangeQueue, type ChangeQueueArgs } from './components/change-queue.ts';
export { IrsaRole, type IrsaRoleArgs } from './components/irsa-role.ts';
export { IssuerBucket, type IssuerBucketArgs } from './components/issuer-bucket.ts';
export { Jasm, type JasmArgs } from './components/jasm.ts';
export { PodIdentity, type PodIdentityArgs } from './components/pod-identity.ts';
export type { ControllerConfig, PolicyRule, ProviderConfig } from './documents/controller-config.ts';
export type { Inputs } from './inputs.ts';
