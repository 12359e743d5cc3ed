// Sets up a run: AWS in moto behind the gate, a clone, its reader, its stack and cluster. Everything ends with the run.
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { IAMClient } from '@aws-sdk/client-iam';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GateClient } from '../cloud/aws/gate-client.ts';
import { installMoto, Moto, REGION } from '../cloud/moto.ts';
import { Reader } from '../users/reader.ts';
import type { Terminal } from '../users/terminal.ts';
import { pulumiPlugins } from './adapter.ts';
import { onEnd } from './cleanup.ts';
import { cloneRepository } from './clone.ts';
import { Cluster } from './cluster.ts';
import { Stack } from './stack.ts';
import { findTools } from './tools.ts';
import { type Environment, PATHS, ROOT, readerEnvironment, STAGE, stageEnvironment } from './workspace.ts';

export type TestEnvironment = {
	readonly env: Environment;
	/** Whether the stub stands in for Pulumi's AWS plugin. */
	readonly awsStub: boolean;
	readonly moto: Moto;
	readonly gate: GateClient;
	readonly cluster: Cluster;
	readonly stack: Stack;
	/** Follows the manual in the clone. */
	readonly reader: Reader;
	/** The reader's terminal, in which the main path of the manual is followed. */
	readonly terminal: Terminal;
	/** The account as its owner sees it, past the gate. */
	readonly account: {
		readonly secrets: SecretsManagerClient;
		readonly iam: IAMClient;
		readonly s3: S3Client;
	};
};

/** Everything but cluster and stack, which the reader makes as the manual says. */
export async function startEnvironment(): Promise<TestEnvironment> {
	findTools();
	clear();
	rmSync(PATHS.logs, { recursive: true, force: true });
	const base = stageEnvironment();
	onEnd('the files of the run', clear);
	cpSync(join(ROOT, 'controller/dist'), PATHS.bundle, { recursive: true });
	await installMoto(base);
	const moto = new Moto({ env: base });
	await moto.start();
	const gate = await GateClient.start({ emulator: moto.endpoint, env: base });
	const plugins = await pulumiPlugins(base, moto.endpoint);
	const env = { ...base, ...plugins.env };
	await cloneRepository(env);
	const reader = new Reader({ env: readerEnvironment(env) });
	const terminal = reader.open('main', PATHS.clone);
	const cluster = new Cluster({ env });
	const stack = new Stack({ env });
	const credentials = { accessKeyId: 'deployer', secretAccessKey: 'fake' };
	const options = { endpoint: moto.endpoint, region: REGION, credentials };
	const account = {
		secrets: new SecretsManagerClient(options),
		iam: new IAMClient(options),
		s3: new S3Client({ ...options, forcePathStyle: true }),
	};
	return { env, awsStub: plugins.stub, moto, gate, cluster, stack, reader, terminal, account };
}

/** Removes what belongs to one run: all but logs and the installed Python packages. */
function clear(): void {
	for (const path of Object.values(PATHS)) {
		if (path !== PATHS.logs && path !== PATHS.python) rmSync(path, { recursive: true, force: true });
	}
	for (const path of ['aws', 'oldest']) rmSync(join(STAGE, path), { recursive: true, force: true });
}
