// What tests, the demo and the benchmark use instead of a cluster and a cloud.

export type { KubeObject, ObjectMeta } from './api-server/objects/object.ts';
export { StatusError } from './api-server/objects/status.ts';
export type { ApiServerOptions } from './api-server/options.ts';
export { type ApiServer, startApiServer } from './api-server/server.ts';
export { makeServerCertificate, type ServerCertificate } from './api-server/wire/certificate.ts';
export {
	answers,
	type Fault,
	type FaultAnswer,
	type FaultRule,
	type Faults,
	type WatchListSupport,
} from './api-server/wire/faults.ts';
export type {
	LoggedRequest,
	RequestFields,
	RequestLog,
	RequestMatch,
} from './api-server/wire/request-log.ts';
export {
	type SecretsManager,
	type SecretsManagerCall,
	type SecretsManagerOptions,
	startSecretsManager,
	type WebIdentityTrust,
} from './aws/secrets-manager.ts';
export type { SecretsManagerFault } from './aws/secrets-manager-faults.ts';
export { type Sqs, type SqsCall, type SqsFault, type SqsOptions, startSqs } from './aws/sqs.ts';
export {
	type FederationTrust,
	type KeyVault,
	type KeyVaultCall,
	type KeyVaultOptions,
	type NewVersionEvent,
	startKeyVault,
} from './azure/key-vault.ts';
export type { EmbeddedKeyVaultFault } from './azure/key-vault-fault.ts';
export {
	type ServiceBus,
	type ServiceBusCall,
	type ServiceBusFault,
	type ServiceBusOptions,
	startServiceBus,
} from './azure/service-bus.ts';
export type { ActiveFault, FaultOptions, WireFault } from './shared/fault-plan.ts';
export type { EmbeddedVaultFault } from './vault/fault.ts';
export { startVault, type Vault, type VaultCall, type VaultOptions } from './vault/vault.ts';
export { startWorkloads, type Workloads, type WorkloadsOptions } from './workloads/workloads.ts';
