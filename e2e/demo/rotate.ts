// Changes a value in the AWS store of a demo that `pnpm demo --hold` keeps: `pnpm rotate PATH KEY=VALUE…`.
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import {
	GetSecretValueCommand,
	PutSecretValueCommand,
	SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { RotateError, type Rotation, rotationOf } from './new-value.ts';

const FOLDER = resolve(import.meta.dirname, '../../.demo');

try {
	await rotate(rotationOf(process.argv.slice(2)));
} catch (error) {
	if (!(error instanceof RotateError)) {
		throw error;
	}

	process.stderr.write(`${error.message}\n`);
	process.exitCode = 1;
}

async function rotate({ path, change }: Rotation): Promise<void> {
	const { region, endpoint } = JSON.parse(
		await readFile(join(FOLDER, 'aws.json'), 'utf8').catch(() => {
			throw new RotateError('no demo runs: start one by `pnpm demo --hold`');
		}),
	) as { region: string; endpoint: string };
	const client = new SecretsManagerClient({
		region,
		endpoint,
		credentials: { accessKeyId: 'demo', secretAccessKey: 'demo' },
	});
	const { SecretString: before = '' } = await client
		.send(new GetSecretValueCommand({ SecretId: path }))
		.catch((error: Error) => {
			throw new RotateError(
				`reading ${path} from the demo's AWS store, the only one that this command changes: ${error.message}`,
			);
		});
	const command = new PutSecretValueCommand({ SecretId: path, SecretString: change(before) });
	const { VersionId } = await client.send(command);
	process.stdout.write(
		`${path} has a new value, version ${VersionId}. JASM writes it to its Secrets within seconds; environment variables ` +
			'get it with `kubectl rollout restart`.\n',
	);
}
