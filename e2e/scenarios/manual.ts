// The main path of the manual: from a clean clone to the committed stack on minikube, and a pod of the reader's own.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { loadYaml } from '@kubernetes/client-node';
import { ACCOUNT, REGION } from '../cloud/moto.ts';
import { hostAddress } from '../cluster/adapter.ts';
import { must } from '../cluster/processes.ts';
import { TEMPLATE } from '../cluster/stack.ts';
import type { TestEnvironment } from '../cluster/test-environment.ts';
import { AWS_PROFILE, PATHS } from '../cluster/workspace.ts';
import type { Report } from '../report/report.ts';
import { place } from '../users/manual.ts';
import type { Reader } from '../users/reader.ts';
import { expect, PROVIDER, type ScenarioContext, TENANT_RULES } from './scenario-context.ts';

export const INSTALL = 'docs/install.md';
const MAIN = 'On minikube, with AWS';

/** Keys of the committed stack that the reader sets. */
const SET_BY_THE_READER = ['jasm:awsAccountId', 'jasm:awsProfile', 'jasm:awsRegion', 'jasm:providers'];

/** The blocks of the main path by their place in its section. */
function mainPath(reader: Reader) {
	const [profile, account, init, up, look] = reader.section(INSTALL, MAIN);
	if (look === undefined) throw new Error(`${INSTALL}, ${MAIN}: expected five blocks`);
	return { profile: profile!, account: account!, init: init!, up: up!, look };
}

/** From the prerequisites to a stack that is configured and not yet up. */
export async function workspace(report: Report, { reader, terminal, env }: TestEnvironment): Promise<void> {
	const ready = await report.scenario('clean clone', 'the manual up to a configured stack', async () => {
		const began = Date.now();
		const [needs, install] = [
			reader.section(INSTALL, 'What you need'),
			reader.section(INSTALL, 'The workspace'),
		];
		await reader.paste(terminal, ...needs, ...install);
		const { profile, account, init } = mainPath(reader);
		await reader.paste(terminal, profile, account, init);
		const exported = await terminal.environment();
		for (const name of ['MINIKUBE_HOME', 'KUBECONFIG', 'PULUMI_BACKEND_URL', 'PULUMI_CONFIG_PASSPHRASE']) {
			expect(exported[name] === env[name], `${name} of the manual leads out of the clone`);
		}
		return `${((Date.now() - began) / 1000).toFixed(0)} s`;
	});
	if (!ready) throw new Error('without a configured stack nothing else can be seen');
}

/** Points the provider at the gate by the commands of the manual, and holds the stack's file against git's. */
export async function endpoints(report: Report, environment: TestEnvironment): Promise<void> {
	const { terminal, stack, cluster, gate, env } = environment;
	await report.scenario(
		'committed stack',
		'only account, profile, region and endpoints are set',
		async () => {
			const endpoint = `http://${await hostAddress(cluster)}:${gate.port}`;
			const fields = { kind: PROVIDER, region: REGION, endpoint, stsEndpoint: endpoint };
			const commands = Object.entries(fields).map(
				([field, value]) => `pulumi config set --plaintext --path 'providers.${PROVIDER}.${field}' ${value}`,
			);
			const { failed, output } = await terminal.paste(commands.join('\n'));
			expect(failed.length === 0, output);
			const show = ['-C', PATHS.clone, 'show', `HEAD:${TEMPLATE}`];
			const committed = loadYaml<{ config: Record<string, unknown> }>(
				await must('git', show, { env }),
			).config;
			const names = [...new Set([...Object.keys(committed), ...Object.keys(stack.config)])];
			// The CLI writes booleans of the file as text, which it reads the same way.
			const text = (value: unknown) => (typeof value === 'boolean' ? String(value) : value);
			const changed = names.filter(
				name => !isDeepStrictEqual(text(committed[name]), text(stack.config[name])),
			);
			const odd = changed.filter(name => !SET_BY_THE_READER.includes(name));
			expect(odd.length === 0, `changed as well: ${odd.join(', ')}`);
			expect(stack.setting('awsAccountId') === ACCOUNT, 'the account is not that of the profile');
			expect(stack.setting('awsProfile') === AWS_PROFILE, 'the profile is another one');
			expect(
				!readFileSync(join(PATHS.clone, 'Pulumi.yaml'), 'utf8').includes(ACCOUNT),
				'the project was changed',
			);
			return `${names.length} keys, set: ${changed.join(', ')}`;
		},
	);
}

/** `pulumi up` of the manual, which builds the image; returns what it printed. */
export function bringUp({ reader, terminal }: TestEnvironment): Promise<string> {
	return reader.paste(terminal, mainPath(reader).up);
}

/** The look at the samples; returns what it printed. */
export function lookAtSamples({ reader, terminal }: TestEnvironment): Promise<string> {
	return reader.paste(terminal, mainPath(reader).look);
}

/** A rule and a pod of the reader. The same update brings the rules of the run's tenants. */
export async function ownPod(context: ScenarioContext): Promise<void> {
	const { report, environment } = context;
	const { reader, terminal, stack } = environment;
	await report.scenario(
		'own pod',
		'the rule and the pod of the manual: it runs with its Secret',
		async () => {
			const [rule = ''] = reader.snippets(INSTALL, 'Your own pod', 'yaml');
			stack.paste(rule);
			// The image of the first update stays: assembling it again would only take time.
			const policy = [...(stack.setting('policy') as object[]), ...TENANT_RULES];
			stack.configure({ policy, image: context.images.controller });
			const said = await reader.paste(terminal, ...reader.section(INSTALL, 'Your own pod'));
			expect(/pod\/web condition met/.test(said), 'the pod is not ready');
			expect(
				said.includes(`"DB_PASSWORD":"${Buffer.from('fake').toString('base64')}"`),
				'the Secret holds another value',
			);
			expect(said.includes('JASM cannot read it'), 'the API server lets JASM read the Secret');
			await context.controller.pod();
			return 'ready; JASM may not read its Secret';
		},
	);
}

/** What an operator looks up and does later, as the manual says, with the pod of `ownPod` there. */
export async function tasks(context: ScenarioContext): Promise<void> {
	const { report, environment } = context;
	const { reader, terminal, cluster } = environment;
	await report.scenario('tasks', 'managed Secrets, requesting pods, orphans, restart', async () => {
		await cluster.apply(deployment(context.images.probe));
		const said = await reader.paste(terminal, ...reader.section('docs/operations.md', 'Tasks'));
		expect(
			/team-a +database +\/prod\/team-a\/database/.test(said),
			'the list of Secrets lacks team-a/database',
		);
		expect(/^team-a\/web$/m.test(said), 'the list of pods lacks team-a/web');
		expect(!/orphan: team-a/.test(said), 'a Secret that pods ask for is listed as an orphan');
		await cluster.kubectl(['-n', 'team-a', 'delete', 'deployment/web', '--cascade=foreground']);
		return 'as the manual says';
	});
	await report.scenario(
		'orphans',
		'a Secret whose pod is gone is found by the query of the manual',
		async () => {
			const query = reader.section('docs/operations.md', 'Tasks').find(({ text }) => text.includes('orphan'));
			expect(query !== undefined, 'the manual has no query for orphans');
			await cluster.kubectl(['-n', 'team-a', 'delete', 'pods', '--all', '--grace-period=0', '--force']);
			const said = (await terminal.paste(query.text)).output;
			expect(/^orphan: team-a\/database$/m.test(said), `not found: ${said.slice(-300)}`);
			return 'team-a/database';
		},
	);
	await report.scenario('errors page', 'its commands show Events and log', async () => {
		const asker = await context.tenant('errors');
		await asker.pod('web', {
			request: { provider: PROVIDER, path: '/prod/errors/missing', secretName: 'missing' },
		});
		await asker.event('web', 'SecretFetchFailed');
		// The page speaks of pod web in namespace team-a.
		const { code, stderr } = await cluster.kubectl([
			'-n',
			'team-a',
			'run',
			'web',
			'--image=busybox:1.37',
			'--command',
			'--',
			'sleep',
			'60',
		]);
		expect(code === 0, stderr);
		const said = await reader.paste(terminal, ...reader.section('docs/errors.md'));
		expect(/SECRET_NOT_FOUND/.test(said), 'the Event of the missing secret is not shown');
		await asker.delete();
		return 'SECRET_NOT_FOUND shown';
	});
}

/** The commands for a node that the program cannot reach. */
export async function imageByHand(context: ScenarioContext): Promise<void> {
	const { reader, terminal, stack } = context.environment;
	await context.report.scenario('image by hand', 'assembled, loaded, named in the stack', async () => {
		const before = stack.setting('image');
		const said = await reader.paste(terminal, ...reader.section(INSTALL, 'Where no image can be pulled'));
		expect(stack.setting('image') === 'jasm-controller:0.1.0', 'the stack names another image');
		stack.configure({ image: before });
		return /jasm-controller:0\.1\.0 .*MB.*/.exec(said)?.[0] ?? 'loaded';
	});
}

/** Every block that a run has to paste was pasted; those that cannot be are named. */
export async function account(report: Report, reader: Reader): Promise<void> {
	await report.scenario('manual', 'every shell block that can run here was run as it stands', async () => {
		const unread = reader.unread();
		expect(unread.length === 0, `not run: ${unread.map(place).join(', ')}`);
		return `${reader.count} blocks`;
	});
	for (const block of reader.notRun()) report.cannotShow(`manual: ${place(block)}`, block.notRun ?? '');
}

function deployment(image: string): object {
	const labels = { app: 'web' };
	const request = JSON.stringify({
		provider: PROVIDER,
		path: '/prod/team-a/database',
		secretName: 'database',
	});
	const container = {
		name: 'web',
		image,
		imagePullPolicy: 'IfNotPresent',
		envFrom: [{ secretRef: { name: 'database' } }],
	};
	const annotations = { 'jasm.codnod.io/secret-sync': request };
	return {
		apiVersion: 'apps/v1',
		kind: 'Deployment',
		metadata: { name: 'web', namespace: 'team-a' },
		spec: {
			selector: { matchLabels: labels },
			template: {
				metadata: { labels, annotations },
				spec: { containers: [{ ...container, command: ['/nodejs/bin/node', '/probe/probe.js'] }] },
			},
		},
	};
}
