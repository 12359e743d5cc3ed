// The image step: what it builds, when it builds nothing, and how it fails.
import test from 'ava';
import { imageName } from '../../image/name.ts';
import { provideImage } from '../../src/preflight/image.ts';
import { type MachineState, machine } from '../helpers/machine.ts';

const cluster = { kubeconfig: '/home/dev/.kube/config', context: 'minikube' };
const NODE = process.execPath;
const LS = 'minikube -p minikube image ls';

async function provided(state: MachineState, kind: 'minikube-build' | 'archive' = 'minikube-build') {
	const on = machine(state);
	const reference = await provideImage({ image: { kind }, cluster, ...on });
	return { reference, commands: on.commands };
}

test('minikube builds the image from a context of only the sources that the image needs', async t => {
	const { reference, commands } = await provided({ images: 'registry.k8s.io/pause:3.10\n' });
	t.is(reference, imageName());
	t.deepEqual(commands, [
		LS,
		`${NODE} infra/image/context.ts infra/dist/context`,
		`minikube -p minikube image build -t ${reference} -f controller/Dockerfile infra/dist/context`,
		LS,
	]);
});

test('an archive is bundled, assembled and loaded', async t => {
	const { reference, commands } = await provided({}, 'archive');
	t.deepEqual(commands, [
		LS,
		`${NODE} controller/build.ts`,
		`${NODE} infra/image/archive.ts --tag ${reference} --output infra/dist/jasm-controller.tar`,
		'minikube -p minikube image load infra/dist/jasm-controller.tar',
		LS,
	]);
});

for (const prefix of ['', 'docker.io/library/', 'localhost/']) {
	test(`an image that the node lists as ${prefix}NAME is not built again`, async t => {
		const { reference, commands } = await provided({ images: `${prefix}${imageName()}\n` });
		t.is(reference, imageName());
		t.deepEqual(commands, [LS]);
	});
}

test('an image with another tag does not count as this one', async t => {
	const { commands } = await provided({
		images: `docker.io/library/${imageName()}0\nother-${imageName()}\n`,
	});
	t.is(commands.length, 4);
});

test('a preview builds nothing and names the image that the update builds', async t => {
	const { reference, commands } = await provided({ preview: true, images: '' });
	t.is(reference, imageName());
	t.deepEqual(commands, [LS]);
});

test('a given image needs no minikube', async t => {
	const on = machine();
	t.is(await provideImage({ image: { kind: 'given', reference: 'r/i:1' }, cluster, ...on }), 'r/i:1');
	t.deepEqual(on.commands, []);
});

for (const failing of ['image/context.ts', 'image build']) {
	test(`a failure of "${failing}" ends the run, with the command that shows all of its output`, async t => {
		const error = await t.throwsAsync(provided({ images: '', failing }));
		t.regex(
			error.message,
			new RegExp(`failed: no luck with ${failing}.*Nothing was deployed.*${failing}`, 's'),
		);
	});
}

test('a build that claims success without an image is a failure', async t => {
	const on = machine({ images: '' });
	const silent = async (...args: Parameters<typeof on.run>) =>
		args[1].includes('build') ? { code: 0, stdout: '', stderr: '' } : on.run(...args);
	const image = { kind: 'minikube-build' } as const;
	await t.throwsAsync(provideImage({ image, cluster, ...on, run: silent }), {
		message: /does not list jasm-controller:[0-9a-f]{12} after the build/,
	});
});
