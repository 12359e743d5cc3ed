// AWS on this machine: moto and the real AWS command line, in a virtual environment of the workspace.
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { must, type Started, start } from '../cluster/processes.ts';
import { AWS_PROFILE, type Environment, PATHS } from '../cluster/workspace.ts';

/** moto's server with the six services that are used: its `server` extra brings 200 MB for the others. */
const PACKAGES = [
	'moto[s3,iam,sts,secretsmanager,sqs,events]==5.2.1',
	'flask==3.1.3',
	'flask-cors==6.0.5',
	'awscli==1.46.3',
];

/** Account of everything in moto. */
export const ACCOUNT = '123456789012';
export const REGION = 'eu-west-1';

/** Installs moto and the AWS command line, unless an earlier run left the same ones. */
export async function installMoto(env: Environment): Promise<void> {
	const stamp = join(PATHS.python, 'installed');
	const wanted = PACKAGES.join(' ');
	if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
		rmSync(PATHS.python, { recursive: true, force: true });
		const options = {
			env: { ...env, PIP_DISABLE_PIP_VERSION_CHECK: '1' },
			log: 'python',
			timeoutMs: 600_000,
		};
		await must('python3', ['-m', 'venv', PATHS.python], options);
		await must(join(PATHS.python, 'bin/pip'), ['install', '--quiet', '--no-cache-dir', ...PACKAGES], options);
		writeFileSync(stamp, wanted);
	}
	const link = join(PATHS.bin, 'aws');
	rmSync(link, { force: true });
	symlinkSync(join(PATHS.python, 'bin/aws'), link);
}

export class Moto {
	readonly #env: Environment;
	#server: Started | undefined;
	#port = '0';

	constructor({ env }: { env: Environment }) {
		this.#env = env;
	}

	/** The address of moto, on the loopback interface. */
	get endpoint(): string {
		return `http://127.0.0.1:${this.#port}`;
	}

	/** Starts it empty; the second time at the same address. */
	async start(): Promise<void> {
		this.#server = await start(
			'moto',
			join(PATHS.python, 'bin/moto_server'),
			['-H', '127.0.0.1', '-p', this.#port],
			{
				env: { ...this.#env, MOTO_ACCOUNT_ID: ACCOUNT },
				ready: /Running on http:\/\/127\.0\.0\.1:(\d+)/,
			},
		);
		this.#port = this.#server.captured;
		// Ids are repeatable from run to run.
		await fetch(`${this.endpoint}/moto-api/seed?a=42`, { method: 'POST' });
		this.#configure();
	}

	async stop(): Promise<void> {
		await this.#server?.stop();
	}

	/** The profile by which commands and SDKs of the run reach moto and nothing else. */
	#configure(): void {
		mkdirSync(dirname(PATHS.awsConfig), { recursive: true });
		writeFileSync(
			PATHS.awsConfig,
			`[profile ${AWS_PROFILE}]\nregion = ${REGION}\nendpoint_url = ${this.endpoint}\n`,
		);
		writeFileSync(
			PATHS.awsCredentials,
			`[${AWS_PROFILE}]\naws_access_key_id = deployer\naws_secret_access_key = fake\n`,
		);
	}
}
