// The API server under contract: its client, what it can do, and a namespace per promise.
import { ContractClient, uniqueName } from './client.ts';

/** What differs between versions by design; promises say what they need. */
export type Feature =
	| 'watch-list'
	| 'watch-list-gate-off'
	| 'no-watch-list'
	| 'admission-policies'
	| 'workload-controllers'
	| 'expired-history';

export type Target = {
	readonly client: ContractClient;
	readonly features: ReadonlySet<Feature>;
	/** Name of the policy, of JASM's namespace and prefix of the guarded user in the promise about the guard. */
	readonly guard: string;
};

/** One promise of the contract; `run` throws where it is broken. `ns` is a namespace of its own. */
export type ContractPromise = {
	readonly title: string;
	readonly needs?: Feature;
	readonly run: (client: ContractClient, ns: string, target: Target) => Promise<void>;
};

/** Finds out what a server can do, beside what is known of it. Throws where it cannot be reached. */
export const openTarget = async (
	kubeconfig: string,
	guard: string,
	known: readonly Feature[] = [],
): Promise<Target> => {
	const client = new ContractClient(kubeconfig);
	const features = new Set<Feature>(known);
	const watchList = await client.send(
		'GET',
		'/api/v1/namespaces?watch=1&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&timeoutSeconds=1&labelSelector=none',
	);
	const gateOff = /feature gate/.test(watchList.text);
	features.add(watchList.status === 200 ? 'watch-list' : gateOff ? 'watch-list-gate-off' : 'no-watch-list');
	const policies = await client.send(
		'GET',
		'/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies',
	);
	if (policies.status === 200) features.add('admission-policies');
	// A real server forgets versions after some minutes; a young one still knows them all.
	const old = await client.send('GET', '/api/v1/namespaces?resourceVersion=1&resourceVersionMatch=Exact');
	if (old.status === 410) features.add('expired-history');
	return { client, features, guard };
};

/** Whether a promise can be put to a target. */
export const appliesTo = (promise: ContractPromise, target: Target): boolean =>
	promise.needs === undefined || target.features.has(promise.needs);

/** Keeps one promise in a fresh namespace, which is deleted afterwards. */
export const keep = async (promise: ContractPromise, target: Target): Promise<void> => {
	const { client } = target;
	const ns = uniqueName('ns');
	await client.must('POST', '/api/v1/namespaces', {
		body: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: ns } },
	});
	try {
		await promise.run(client, ns, target);
	} finally {
		await client.send('DELETE', `/api/v1/namespaces/${ns}`);
	}
};
