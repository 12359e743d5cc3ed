// What tests, the demo and the benchmark use instead of a cluster and a cloud.
export {
	answers,
	type Fault,
	type FaultAnswer,
	type FaultRule,
	type Faults,
	type WatchListSupport,
} from './api-server/faults.ts';
export type { KubeObject, ObjectMeta } from './api-server/object.ts';
export type { LoggedRequest, RequestFields, RequestLog, RequestMatch } from './api-server/request-log.ts';
export { type ApiServer, type ApiServerOptions, startApiServer } from './api-server/server.ts';
export { StatusError } from './api-server/status.ts';
export type { FaultOptions, WireFault } from './fault-plan.ts';
export {
	type FederationTrust,
	type KeyVault,
	type KeyVaultCall,
	type KeyVaultOptions,
	startKeyVault,
} from './key-vault.ts';
export type { EmbeddedKeyVaultFault } from './key-vault-fault.ts';
export {
	type SecretsManager,
	type SecretsManagerCall,
	type SecretsManagerOptions,
	startSecretsManager,
	type WebIdentityTrust,
} from './secrets-manager.ts';
export type { SecretsManagerFault } from './secrets-manager-faults.ts';
export { startVault, type Vault, type VaultCall, type VaultOptions } from './vault.ts';
export type { EmbeddedVaultFault } from './vault-fault.ts';
