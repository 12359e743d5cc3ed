// A machine as the guards see it: scripted answers of aws, minikube and kubectl, and a log of what was run.
import type { Finished, GuardPorts } from '../../src/preflight/local-commands.ts';
import { ACCOUNT } from './stack-config.ts';

const BUCKET_ISSUER = `https://jasm-oidc-${ACCOUNT}-minikube.s3.eu-west-1.amazonaws.com`;

export type Machine = GuardPorts & {
	/** Every command in order, as one line each. */
	readonly commands: string[];
	/** The commands that reach an API: of AWS or of a cluster. */
	readonly apiCalls: () => string[];
};

export type MachineState = {
	readonly environment?: Record<string, string>;
	readonly account?: string;
	/** API server's state; a missing one is started by `minikube start`. */
	readonly minikube?: 'Running' | 'Stopped' | 'Missing' | 'Broken';
	readonly kubeconfig?: 'Configured' | 'Misconfigured';
	readonly contexts?: string[];
	readonly issuer?: string;
	/** Where the cluster says that its keys are; default under its issuer. */
	readonly keys?: string;
	/** Issuer that a stopped cluster was made with, as `minikube profile list` knows it. */
	readonly storedIssuer?: string;
	readonly minor?: string;
	/** What `minikube image ls` prints; undefined where this minikube cannot list. */
	readonly images?: string;
	/** A part of the command that fails, such as `image build`. */
	readonly failing?: string;
	/** Commands that are not installed. */
	readonly missing?: string[];
	/** Default false: an update. */
	readonly preview?: boolean;
};

/** A machine on which every guard is content, but for what `state` changes. */
export function machine(state: MachineState = {}): Machine {
	const commands: string[] = [];
	let { minikube = 'Running' } = state;
	const ok = (stdout: unknown): Finished => ({
		code: 0,
		stdout: typeof stdout === 'string' ? stdout : JSON.stringify(stdout),
		stderr: '',
	});
	const failed = (code: number, stderr: string, stdout = ''): Finished => ({ code, stdout, stderr });

	let { images } = state;
	const answer = (line: string): Finished => {
		if (state.failing !== undefined && line.includes(state.failing))
			return failed(1, `no luck with ${state.failing}`);
		if (line === 'minikube -p minikube image ls') {
			return images === undefined ? failed(1, 'Error: unknown command "ls"') : ok(images);
		}
		const [, built] = /image build -t (\S+)/.exec(line) ?? [];
		if (built !== undefined || line.includes(' image load ')) {
			if (images !== undefined) images += `docker.io/library/${built ?? ''}\n`;
			return ok('');
		}
		if (line.startsWith(process.execPath)) return ok('');
		if (line.startsWith('aws sts get-caller-identity')) return ok({ Account: state.account ?? ACCOUNT });
		if (line.startsWith('minikube status')) {
			if (minikube === 'Missing') return failed(85, 'Profile "minikube" not found.');
			const facts = { Name: 'minikube', APIServer: minikube, Kubeconfig: state.kubeconfig ?? 'Configured' };
			return { ...ok(facts), code: minikube === 'Running' ? 0 : 7 };
		}
		if (line.startsWith('minikube profile list')) {
			const option = { Component: 'apiserver', Key: 'service-account-issuer', Value: state.storedIssuer };
			const ExtraOptions = state.storedIssuer === undefined ? [] : [option];
			const valid =
				minikube === 'Missing' ? [] : [{ Name: 'minikube', Config: { KubernetesConfig: { ExtraOptions } } }];
			return ok({ invalid: [], valid });
		}
		if (line.startsWith('minikube start')) {
			if (minikube === 'Broken') return failed(80, 'X Exiting due to GUEST_START');
			minikube = 'Running';
			return ok('');
		}
		const asked = line.replace('minikube -p minikube kubectl -- ', 'kubectl ');
		if (asked !== line) return answer(asked);
		if (line.includes(' config view ')) {
			const [, context] = /--context (\S+)/.exec(line) ?? [];
			const known = (state.contexts ?? ['minikube']).includes(context ?? '');
			return known
				? ok({ contexts: [{ name: context }] })
				: failed(1, `error: context "${context}" does not exist`);
		}
		const issuer = state.issuer ?? BUCKET_ISSUER;
		if (line.endsWith('/.well-known/openid-configuration'))
			return ok({ issuer, jwks_uri: state.keys ?? `${issuer}/openid/v1/jwks` });
		if (line.endsWith('/openid/v1/jwks')) return ok({ keys: [{ kid: 'a' }] });
		if (line.endsWith('version -o json'))
			return ok({ serverVersion: { major: '1', minor: state.minor ?? '37' } });
		return failed(1, `not scripted: ${line}`);
	};
	return {
		commands,
		apiCalls: () => commands.filter(line => /^(aws|kubectl) /.test(line) && !line.includes(' config view ')),
		environment: state.environment ?? { AWS_PROFILE: 'codnod', HOME: '/home/dev' },
		preview: state.preview ?? false,
		say: () => {},
		run: async (command, args) => {
			const line = [command, ...args].join(' ');
			commands.push(line);
			return state.missing?.includes(command) ? failed(127, `${command} is not installed`) : answer(line);
		},
	};
}
