// `pnpm e2e`: sets up the environment, plays every scenario, ends everything, and prints what was seen as a table.

import { finish, finishOnSignals } from './cluster/cleanup.ts';
import { type Images, loadImages } from './cluster/images.ts';
import { startEnvironment, type TestEnvironment } from './cluster/test-environment.ts';
import { evidence, keepEvidence } from './report/evidence.ts';
import { Report } from './report/report.ts';
import { acceptance } from './scenarios/acceptance.ts';
import { calls } from './scenarios/calls.ts';
import { failures } from './scenarios/failures.ts';
import { faults } from './scenarios/faults.ts';
import { guards } from './scenarios/guards.ts';
import { installation } from './scenarios/installation.ts';
import { changes, end } from './scenarios/lifecycle.ts';
import { manifests } from './scenarios/manifests.ts';
import { account, endpoints, imageByHand, ownPod, tasks, workspace } from './scenarios/manual.ts';
import { memoryOf, memoryWithPods } from './scenarios/memory.ts';
import { oldest, tokensOutlived, type Waiting } from './scenarios/oldest-cluster.ts';
import { byKubectl, eks } from './scenarios/other-cluster.ts';
import { readme } from './scenarios/readme.ts';
import { restarts } from './scenarios/restarts.ts';
import { rights } from './scenarios/rights.ts';
import { rotation } from './scenarios/rotation.ts';
import { punctuality, scale } from './scenarios/scale.ts';
import { ScenarioContext } from './scenarios/scenario-context.ts';
import { startGate } from './scenarios/start-gate.ts';
import { stores } from './scenarios/stores.ts';
import { emulator, vaultOnly } from './scenarios/without-aws.ts';

let waiting: Waiting | undefined;

/** Parts that `--only=a,b` can choose from; workspace, guards and installation always run. */
const PARTS: Readonly<Record<string, (context: ScenarioContext) => Promise<void>>> = {
	acceptance,
	tasks,
	manifests,
	rest: context => memoryOf(context, 'at rest'),
	rotation,
	restarts,
	stores,
	scale,
	bursts: context => memoryOf(context, 'after the bursts'),
	failures,
	rights: context => rights(context, 'write-only'),
	faults,
	changes,
	'start-gate': startGate,
	many: memoryWithPods,
	outlived: async context => {
		if (waiting !== undefined) await tokensOutlived(context, waiting);
	},
	calls,
	image: imageByHand,
	end,
	emulator,
	vault: vaultOnly,
	eks,
	kubectl: byKubectl,
	readme,
};

/** As early as possible: ten minutes have to pass until `outlived`. */
const BEFORE: typeof PARTS = {
	oldest: async context => {
		waiting = await oldest(context);
	},
};

const say = (line: string) => process.stdout.write(`${line}\n`);
const began = Date.now();
const only = process.argv
	.find(argument => argument.startsWith('--only='))
	?.slice('--only='.length)
	.split(',');
const names = Object.keys({ ...BEFORE, ...PARTS });
const unknown = (only ?? []).filter(part => !names.includes(part));
if (unknown.length > 0)
	throw new Error(`--only: no part ${unknown.join(', ')}; there are ${names.join(', ')}`);

finishOnSignals(say);
let environment: TestEnvironment | undefined;
const report = new Report({
	say,
	failed: () => keepEvidence({ cluster: environment?.cluster, gate: environment?.gate }),
});
try {
	await play();
} catch (error) {
	await report.scenario('the run', 'goes to its end', () => Promise.reject(error));
}
const leftBehind = await finish();
for (const failure of leftBehind) say(`left behind: ${failure}`);
if (!report.passed)
	say(
		`\nlogs of every component:\n${evidence()
			.map(file => `  ${file}`)
			.join('\n')}`,
	);
say(`\n${Math.round((Date.now() - began) / 1000)} s on ${process.platform} ${process.arch}\n`);
say(report.table());
process.exitCode = report.passed && leftBehind.length === 0 ? 0 : 1;

async function play(): Promise<void> {
	environment = await startEnvironment();
	say(
		`the environment is up in ${Math.round((Date.now() - began) / 1000)} s; the context touched: ${environment.cluster.profile}`,
	);
	if (environment.awsStub) {
		report.cannotShow("Pulumi's AWS plugin", 'not installed here: pulumi-aws-stub stands in for it');
	}
	await workspace(report, environment);
	await guards(report, environment);
	await endpoints(report, environment);
	const images: Images = await loadImages(environment.cluster);
	const context = new ScenarioContext({ environment, report, images });
	context.timeline.start();
	await playParts(BEFORE, context);
	await installation(context);
	await ownPod(context);
	await playParts(PARTS, context);
	context.timeline.stop();
	if (context.punctual.length > 0) await punctuality(context);
	if (only === undefined) await account(report, environment.reader);
}

async function playParts(parts: typeof PARTS, context: ScenarioContext): Promise<void> {
	for (const [name, part] of Object.entries(parts)) {
		if (only !== undefined && !only.includes(name)) continue;
		// A failure between the scenarios of a part ends only that part.
		await part(context).catch(error => report.scenario(name, 'is played', () => Promise.reject(error)));
	}
}
