// Sets the stage: AWS in moto behind the gate, our AWS provider, the stack, the cluster. Everything ends with the run.
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { IAMClient } from '@aws-sdk/client-iam';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GateClient } from './aws/gate-client.ts';
import { onEnd } from './cleanup.ts';
import { Cluster } from './cluster.ts';
import { installMoto, Moto, REGION } from './moto.ts';
import { start } from './processes.ts';
import { Stack } from './stack.ts';
import { findTools } from './tools.ts';
import { type Environment, PATHS, ROOT, STAGE, stageEnvironment } from './workspace.ts';

export type Stage = {
	readonly env: Environment;
	readonly moto: Moto;
	readonly gate: GateClient;
	readonly cluster: Cluster;
	readonly stack: Stack;
	/** The account as its owner sees it, past the gate. */
	readonly account: {
		readonly secrets: SecretsManagerClient;
		readonly iam: IAMClient;
		readonly s3: S3Client;
	};
};

/** Everything but the cluster, which the program's own guards start. */
export async function setStage(): Promise<Stage> {
	findTools();
	clear();
	rmSync(PATHS.logs, { recursive: true, force: true });
	const env = stageEnvironment();
	onEnd('the files of the run', clear);
	cpSync(join(ROOT, 'controller/dist'), PATHS.bundle, { recursive: true });
	await installMoto(env);
	const moto = new Moto({ env });
	await moto.start();
	const gate = await GateClient.start({ emulator: moto.endpoint, env });
	const provider = await start(
		'aws-provider',
		process.execPath,
		[join(ROOT, 'e2e/aws-provider/main.ts'), moto.endpoint],
		{ env, ready: /^(\d+)$/m },
	);
	const cluster = new Cluster({ env });
	const stack = new Stack({ env, awsPort: Number(provider.captured) });
	await stack.init();
	const credentials = { accessKeyId: 'deployer', secretAccessKey: 'fake' };
	const options = { endpoint: moto.endpoint, region: REGION, credentials };
	const account = {
		secrets: new SecretsManagerClient(options),
		iam: new IAMClient(options),
		s3: new S3Client({ ...options, forcePathStyle: true }),
	};
	return { env, moto, gate, cluster, stack, account };
}

/** Removes what belongs to one run: all but logs and the installed Python packages. */
function clear(): void {
	for (const path of Object.values(PATHS)) {
		if (path !== PATHS.logs && path !== PATHS.python) rmSync(path, { recursive: true, force: true });
	}
	for (const path of ['aws', 'kubeconfig-oldest', 'oldest'])
		rmSync(join(STAGE, path), { recursive: true, force: true });
}
