// `pnpm e2e`: sets the stage, plays every scenario on it, ends everything, and prints what was seen as a table.

import { imageName } from '../infra/src/controller-image.ts';
import { finish, finishOnSignals } from './harness/cleanup.ts';
import { evidence, keepEvidence } from './harness/evidence.ts';
import { type Images, loadImages } from './harness/images.ts';
import { Report } from './harness/report.ts';
import { Scene } from './harness/scene.ts';
import { type Stage, setStage } from './harness/stage.ts';
import { calls } from './test/calls.ts';
import { failures } from './test/failures.ts';
import { faults } from './test/faults.ts';
import { guards } from './test/guards.ts';
import { installation } from './test/installation.ts';
import { changes, end } from './test/lifecycle.ts';
import { memoryOf, memoryWithPods } from './test/memory.ts';
import { oldest, tokensOutlived, type Waiting } from './test/oldest.ts';
import { rights } from './test/rights.ts';
import { punctuality, scale } from './test/scale.ts';
import { stores } from './test/stores.ts';
import { stories } from './test/stories.ts';

let waiting: Waiting | undefined;

/** Parts that `--only=a,b` can choose from; stage, guards and installation always run. */
const PARTS: Readonly<Record<string, (scene: Scene) => Promise<void>>> = {
	stories,
	rest: scene => memoryOf(scene, 'at rest'),
	stores,
	scale,
	bursts: scene => memoryOf(scene, 'after the bursts'),
	failures,
	rights: scene => rights(scene, 'write-only'),
	faults,
	changes,
	crowd: memoryWithPods,
	outlived: async scene => {
		if (waiting !== undefined) await tokensOutlived(scene, waiting);
	},
	calls,
	end,
};

/** As early as there is a cluster's image to ask for: ten minutes have to pass until `outlived`. */
const BEFORE: typeof PARTS = {
	oldest: async scene => {
		waiting = await oldest(scene);
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
let stage: Stage | undefined;
const report = new Report({
	say,
	failed: () => keepEvidence({ cluster: stage?.cluster, gate: stage?.gate }),
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
	stage = await setStage();
	say(
		`the stage is set in ${Math.round((Date.now() - began) / 1000)} s; the one context touched: ${stage.cluster.profile}`,
	);
	// Where pods reach this host is known when there is a cluster; the guards do not need it.
	stage.stack.configure(Scene.config('127.0.0.1', stage.gate.port, imageName()));
	await guards(report, stage);
	const images: Images = await loadImages(stage.cluster);
	stage.stack.configure(Scene.config(await stage.cluster.hostAddress(), stage.gate.port, images.controller));
	const scene = new Scene({ stage, report, images });
	scene.timeline.start();
	await playParts(BEFORE, scene);
	await installation(scene);
	await playParts(PARTS, scene);
	scene.timeline.stop();
	if (scene.punctual.length > 0) await punctuality(scene);
}

async function playParts(parts: typeof PARTS, scene: Scene): Promise<void> {
	for (const [name, part] of Object.entries(parts)) {
		if (only !== undefined && !only.includes(name)) continue;
		// What breaks between the scenarios of a part ends that part alone.
		await part(scene).catch(error => report.scenario(name, 'is played', () => Promise.reject(error)));
	}
}
