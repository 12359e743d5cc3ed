// The README from the top, in a clean clone: the demo, and five minutes with kubectl on its cluster.
import { PATHS } from '../cluster/workspace.ts';
import { expect, type ScenarioContext } from './scenario-context.ts';

const README = 'README.md';
/** The last line before the demo waits: the file that `kubectl` needs. */
const KUBECONFIG = /export KUBECONFIG=(\S+)/;

export async function readme({ report, environment }: ScenarioContext): Promise<void> {
	const { reader } = environment;
	const blocks = reader.section(README);
	const hold = blocks.findIndex(({ text }) => text.includes('demo --hold'));
	await report.scenario('README', 'the demo passes, its cluster answers kubectl', async () => {
		expect(hold !== -1, 'no block keeps the cluster of the demo');
		const first = reader.open('readme', PATHS.clone);
		const said = await reader.paste(first, ...blocks.slice(0, hold));
		const [verdict] = /\d+ of \d+ expectations held/.exec(said) ?? [];
		expect(verdict !== undefined, 'the demo printed no verdict');
		const kubeconfig = await reader.start(first, blocks[hold]!, KUBECONFIG);
		const second = reader.open('readme-2', PATHS.clone, { env: { KUBECONFIG: kubeconfig } });
		const seen = await reader.paste(second, ...blocks.slice(hold + 1));
		await second.close();
		await first.close();
		expect(/SecretSyncSuccess/.test(seen), 'the description shows no Event of success');
		expect(/JASM cannot read it/.test(seen), 'the API server lets JASM read the Secret');
		return `${verdict}; Event and refusal shown`;
	});
}
