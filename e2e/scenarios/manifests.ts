// Every manifest of the manual, and every part of a pod, at the real API server: a dry run accepts it.
import { manual, place } from '../users/manual.ts';
import { snippet } from '../users/snippets.ts';
import { expect, type ScenarioContext } from './scenario-context.ts';

export async function manifests({ report, environment }: ScenarioContext): Promise<void> {
	await report.scenario('manifests', 'those of the manual pass a dry run of the API server', async () => {
		const refused: string[] = [];
		let count = 0;
		for (const block of manual().filter(({ language }) => language === 'yaml')) {
			const found = snippet(block);
			if (found.kind !== 'manifest') continue;
			count++;
			const { manifest } = found;
			const dryRun = ['-n', 'default', 'apply', '--dry-run=server', '-f', '-'];
			const { code, stderr } = await environment.cluster.kubectl(dryRun, JSON.stringify(manifest));
			if (code !== 0) refused.push(`${place(block)}: ${stderr.trim()}`);
		}
		expect(refused.length === 0, refused.join('\n'));
		return `${count} accepted`;
	});
}
