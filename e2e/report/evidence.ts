// Keeps what explains a failure: the logs of every component, the state of the cluster, the calls to AWS.
import { cpSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { GateClient } from '../cloud/aws/gate-client.ts';
import { hostFolder } from '../cluster/adapter.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { PATHS } from '../cluster/workspace.ts';

/** No question prints the data of a Secret: logs must not hold values. */
const QUESTIONS: Readonly<Record<string, string[]>> = {
	pods: ['get', 'pods', '-A', '-o', 'wide'],
	events: ['get', 'events', '-A', '--sort-by=.lastTimestamp'],
	secrets: ['get', 'secrets', '-A'],
	controller: ['-n', 'jasm', 'logs', '-l', 'app=jasm', '--tail=-1', '--prefix'],
	'controller-before': ['-n', 'jasm', 'logs', '-l', 'app=jasm', '--tail=-1', '--prefix', '--previous'],
	'controller-pods': ['-n', 'jasm', 'describe', 'pods'],
};

/** Writes all evidence into the folder of logs. Never throws: missing evidence must not fail a run. */
export async function keepEvidence({
	cluster,
	gate,
}: {
	cluster?: Cluster | undefined;
	gate?: GateClient | undefined;
}): Promise<void> {
	mkdirSync(PATHS.logs, { recursive: true });
	if (gate !== undefined) {
		const lines = (await gate.calls().catch(() => [])).map(call => JSON.stringify(call));
		writeFileSync(join(PATHS.logs, 'aws-calls.log'), `${lines.join('\n')}\n`);
	}
	if (cluster === undefined || !existsSync(PATHS.kubeconfig)) return;
	for (const [name, question] of Object.entries(QUESTIONS)) {
		const answer = await cluster.kubectl(['--request-timeout', '5s', ...question]).catch(() => undefined);
		if (answer !== undefined) writeFileSync(join(PATHS.logs, `${name}.log`), answer.stdout + answer.stderr);
	}
	const machine = hostFolder(cluster.profile);
	if (machine !== undefined) {
		for (const file of readdirSync(machine).filter(name => name.endsWith('.log'))) {
			cpSync(join(machine, file), join(PATHS.logs, `cluster-${file}`));
		}
	} else {
		await cluster.minikube('logs', `--file=${join(PATHS.logs, 'cluster.log')}`).catch(() => {});
	}
}

/** Where the logs are. */
export function evidence(): string[] {
	if (!existsSync(PATHS.logs)) return [];
	return readdirSync(PATHS.logs).map(file => join(PATHS.logs, file));
}
