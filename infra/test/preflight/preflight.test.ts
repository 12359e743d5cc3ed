// The guards: each refuses the wrong thing, and nothing after it is even asked.
import test from 'ava';
import { imageName } from '../../image/name.ts';
import { preflight } from '../../src/preflight/preflight.ts';
import { type MachineState, machine } from '../helpers/machine.ts';
import { ACCOUNT, stackConfig } from '../helpers/stack-config.ts';

const BUCKET_ISSUER = `https://jasm-oidc-${ACCOUNT}-minikube.s3.eu-west-1.amazonaws.com`;
const OTHER = 'https://kubernetes.default.svc.cluster.local';

/** Runs the guards on a machine and answers how they refused. */
async function refusal(state: MachineState, changes: Record<string, string | undefined> = {}) {
	const on = machine(state);
	const error = await preflight(stackConfig(changes), on).then(
		() => undefined,
		(thrown: Error) => thrown.message,
	);
	return { message: error ?? 'not refused', ...on };
}

test('a machine in order passes, and the issuer documents are those of the cluster', async t => {
	const on = machine();
	const facts = await preflight(stackConfig(), on);
	t.is(facts.kubeconfig, '/home/dev/.kube/config');
	t.is(facts.image, imageName());
	t.deepEqual(JSON.parse(facts.issuer?.discovery ?? ''), {
		issuer: BUCKET_ISSUER,
		jwks_uri: `${BUCKET_ISSUER}/openid/v1/jwks`,
	});
	t.deepEqual(JSON.parse(facts.issuer?.jwks ?? ''), { keys: [{ kid: 'a' }] });
});

test('every command is told the context and the kubeconfig, the ambient one never counts', async t => {
	const on = machine({ environment: { AWS_PROFILE: 'codnod', KUBECONFIG: '/k/config' } });
	await preflight(stackConfig(), on);
	for (const line of on.commands.filter(command => command.startsWith('kubectl '))) {
		t.true(line.startsWith('kubectl --kubeconfig /k/config --context minikube '), line);
	}
	for (const line of on.commands.filter(command => command.startsWith('aws ')))
		t.regex(line, /--profile codnod/);
});

for (const [title, environment] of [
	['another profile', { AWS_PROFILE: 'production', HOME: '/h' }],
	['no profile', { HOME: '/h' }],
	[
		'static keys beside the right profile',
		{ AWS_PROFILE: 'codnod', AWS_ACCESS_KEY_ID: 'AKIAFAKE', HOME: '/h' },
	],
	[
		'a session token beside the right profile',
		{ AWS_PROFILE: 'codnod', AWS_SESSION_TOKEN: 'fake', HOME: '/h' },
	],
] as [string, Record<string, string>][]) {
	test(`${title} in the environment is refused before any command runs`, async t => {
		const { message, commands } = await refusal({ environment });
		t.regex(
			message,
			/refused before anything was touched: .*AWS_(PROFILE|ACCESS|SESSION).*|static AWS keys/s,
		);
		t.deepEqual(commands, []);
		t.false(message.includes('AKIAFAKE'));
	});
}

test("without a profile the environment's own identity works, and its account is checked all the same", async t => {
	const environment = {
		HOME: '/h',
		AWS_ACCESS_KEY_ID: 'AKIAFAKE',
		AWS_SESSION_TOKEN: 'fake',
		AWS_PROFILE: 'ci',
	};
	const changes = { awsProfile: '' };
	const { message, commands } = await refusal({ environment }, changes);
	t.is(message, 'not refused');
	t.deepEqual(
		commands.filter(line => line.startsWith('aws ')),
		['aws sts get-caller-identity --output json --region eu-west-1'],
	);
	const other = await refusal({ environment, account: '999900001111' }, changes);
	t.regex(
		other.message,
		/the AWS identity of the environment belongs to account 999900001111, the stack to 1{4}/,
	);
	t.regex(other.message, /pulumi config set awsAccountId 999900001111/);
	const none = await refusal({ environment, failing: 'aws sts' }, changes);
	t.regex(
		none.message,
		/the AWS identity of the environment has no session .*Give the environment credentials/,
	);
});

test('without the AWS CLI the account is left to the AWS provider, and the run says so', async t => {
	const said: string[] = [];
	const on = machine({ missing: ['aws'] });
	await preflight(stackConfig(), { ...on, say: message => void said.push(message) });
	t.true(
		said.some(line => line.includes('Pulumi\'s AWS provider checks that profile "codnod" is of account')),
	);
});

test('without kubectl a minikube is asked by the kubectl that minikube brings', async t => {
	const on = machine({ missing: ['kubectl'] });
	const facts = await preflight(stackConfig(), on);
	t.deepEqual(JSON.parse(facts.issuer?.jwks ?? ''), { keys: [{ kid: 'a' }] });
	t.true(
		on.commands.some(line =>
			line.startsWith(
				'minikube -p minikube kubectl -- --kubeconfig /home/dev/.kube/config --context minikube ',
			),
		),
	);
	const { message } = await refusal({ missing: ['kubectl'], issuer: OTHER });
	t.regex(message, /issues tokens as https:\/\/kubernetes.default/);
});

test('without kubectl another cluster is not asked, and the run says what is not checked', async t => {
	const said: string[] = [];
	const on = machine({ missing: ['kubectl'], contexts: ['eks'] });
	const changes = {
		kubeContext: 'eks',
		allowOtherContext: 'true',
		identity: 'none',
		testSecrets: 'false',
		image: 'r/i:1',
	};
	const facts = await preflight(stackConfig(changes), { ...on, say: message => void said.push(message) });
	t.is(facts.image, 'r/i:1');
	t.deepEqual(said, [
		'kubectl is not installed: the version of the cluster and the issuer of its tokens are not checked',
	]);
});

test('several kubeconfig files are refused before any command runs', async t => {
	const { message, commands } = await refusal({
		environment: { AWS_PROFILE: 'codnod', KUBECONFIG: '/a:/b' },
	});
	t.regex(message, /KUBECONFIG names several files/);
	t.deepEqual(commands, []);
});

test('another account is refused before the cluster is asked anything', async t => {
	const { message, commands } = await refusal({ account: '999900001111' });
	t.regex(message, /belongs to account 999900001111, the stack to 111122223333/);
	t.is(commands.length, 1);
});

test('a stopped minikube is started with the two flags that IRSA needs, then checked again', async t => {
	const on = machine({ minikube: 'Missing' });
	await preflight(stackConfig(), on);
	const start = on.commands.filter(line => line.startsWith('minikube start'));
	t.deepEqual(start, [
		'minikube start -p minikube ' +
			`--extra-config=apiserver.service-account-issuer=${BUCKET_ISSUER} ` +
			`--extra-config=apiserver.service-account-jwks-uri=${BUCKET_ISSUER}/openid/v1/jwks`,
	]);
	t.is(on.commands.filter(line => line.startsWith('minikube status')).length, 2);
});

test('a running minikube is never started nor reconfigured', async t => {
	const on = machine();
	await preflight(stackConfig(), on);
	t.deepEqual(
		on.commands.filter(line => /minikube (start|stop|delete|config)/.test(line)),
		[],
	);
});

test('a running minikube with another issuer is refused, and the error says what to run', async t => {
	const { message, commands } = await refusal({ issuer: OTHER });
	t.regex(message, /issues tokens as https:\/\/kubernetes.default/);
	t.true(
		message.includes(
			`minikube start -p minikube --extra-config=apiserver.service-account-issuer=${BUCKET_ISSUER}`,
		),
	);
	t.deepEqual(
		commands.filter(line => line.startsWith('minikube start')),
		[],
	);
});

test('a minikube that was started with only one of the two flags is refused', async t => {
	const { message } = await refusal({ keys: 'https://192.168.49.2:8443/openid/v1/jwks' });
	t.regex(message, /publishes its keys as https:\/\/192.168.49.2:8443.*both flags/s);
});

test('a stopped minikube that was made with another issuer is not started with a new one', async t => {
	for (const state of [{ storedIssuer: OTHER }, {}] as MachineState[]) {
		const { message, commands } = await refusal({ minikube: 'Stopped', ...state });
		t.regex(message, /IRSA needs/);
		t.deepEqual(
			commands.filter(line => line.startsWith('minikube start')),
			[],
		);
	}
});

test('a stopped minikube that was made with the right issuer is started', async t => {
	const { message } = await refusal({ minikube: 'Stopped', storedIssuer: BUCKET_ISSUER });
	t.is(message, 'not refused');
});

test('a minikube that does not start is refused with what it said', async t => {
	const { message, apiCalls } = await refusal(
		{ minikube: 'Broken' },
		{ identity: 'none', testSecrets: 'false' },
	);
	t.regex(message, /minikube did not start \(X Exiting due to GUEST_START\)/);
	t.deepEqual(apiCalls(), []);
});

test('a kubeconfig that does not point at the running minikube is refused before the cluster is asked', async t => {
	const { message, apiCalls } = await refusal({ kubeconfig: 'Misconfigured' });
	t.regex(message, /does not point at the running minikube/);
	t.deepEqual(
		apiCalls().filter(line => line.startsWith('kubectl')),
		[],
	);
});

test('a kubeconfig without the context is refused before the cluster is asked', async t => {
	const { message, apiCalls } = await refusal({ contexts: ['production'] });
	t.regex(message, /has no context "minikube"/);
	t.deepEqual(
		apiCalls().filter(line => line.startsWith('kubectl')),
		[],
	);
});

test('a cluster without admission policies is refused in write-only, and the error says what to set', async t => {
	const { message } = await refusal({ minor: '29+' });
	t.regex(message, /Kubernetes 1.29 has no ValidatingAdmissionPolicy/);
	t.regex(message, /pulumi config set profile self-heal; pulumi config set admissionPolicy false/);
	const old = await refusal({ minor: '24' }, { profile: 'self-heal', admissionPolicy: 'false' });
	t.is(old.message, 'not refused');
	const oldest = await refusal({ minor: '19' }, { profile: 'self-heal', admissionPolicy: 'false' });
	t.regex(oldest.message, /older than Kubernetes 1.20/);
});

test('without an identity in AWS no profile is demanded and aws is never run', async t => {
	const { message, commands } = await refusal(
		{ environment: { HOME: '/h' }, issuer: OTHER },
		{ identity: 'none', testSecrets: 'false' },
	);
	t.is(message, 'not refused');
	t.deepEqual(
		commands.filter(line => line.startsWith('aws ')),
		[],
	);
});

test('on another cluster minikube is left alone and its registered issuer is compared', async t => {
	const issuer = 'https://oidc.eks.eu-west-1.amazonaws.com/id/ABC123';
	const changes = {
		kubeContext: 'eks',
		allowOtherContext: 'true',
		identity: 'oidc-provider',
		issuerUrl: issuer,
		oidcProviderArn: `arn:aws:iam::${ACCOUNT}:oidc-provider/oidc.eks.eu-west-1.amazonaws.com/id/ABC123`,
		image: 'registry.example/jasm:1.0.0',
	};
	// The API server of such a cluster names its own address here; AWS reads the published document instead.
	const on = machine({ contexts: ['eks'], issuer, keys: 'https://10.0.0.1/openid/v1/jwks' });
	t.is((await preflight(stackConfig(changes), on)).issuer, undefined);
	t.deepEqual(
		on.commands.filter(line => line.startsWith('minikube')),
		[],
	);
	const { message } = await refusal({ contexts: ['eks'], issuer: OTHER }, changes);
	t.regex(message, /issues tokens as https:\/\/kubernetes.default/);
});
