// What people, controllers, the provider and the network may do next, at random.
import { ANNOTATION_KEY } from '../../src/annotation.ts';
import type { VirtualClock } from '../helpers/virtual-clock.ts';
import type { Random } from './random.ts';
import type { Source } from './source.ts';
import type { StoredObject, World } from './world.ts';

const NAMESPACES = ['team-a', 'team-b'] as const;
const SECRETS = ['db', 'api', 'tls'] as const;
const PATHS = ['/prod/team-a/one', '/prod/team-b/one', '/shared/two', '/shared/three'] as const;

type Stage = {
	readonly world: World;
	readonly source: Source;
	readonly clock: VirtualClock;
	readonly random: Random;
};

/** What people, controllers and the provider may do next. */
export function deedsIn(
	{ world, source, clock, random }: Stage,
	blackout: (ms: number) => void,
): (() => void)[] {
	let pods = 0;
	const annotation = () => {
		const one = (secretName: string) => {
			const keys = random.chance(0.3) ? ', keys: {renamed: second}' : '';
			return `{provider: simulated, path: ${random.pick(PATHS)}, secretName: ${secretName}${keys}}`;
		};
		return random.pick([
			() => one(random.pick(SECRETS)),
			() => one(random.pick(SECRETS)),
			() => `[${one('db')}, ${one('api')}]`,
			() => 'provider: simulated\npath: /shared/two\n',
		])();
	};
	const createPod = (namespace: string, text: string | undefined) =>
		world.create('pods', {
			name: `pod-${++pods}`,
			namespace,
			...(text !== undefined && { annotations: { [ANNOTATION_KEY]: text } }),
		});
	const somePod = (act: (pod: StoredObject) => void) => () => {
		const live = world.livePods;
		if (live.length > 0) {
			act(random.pick(live));
		}
	};
	const someSecret = (act: (secret: StoredObject) => void) => () => {
		const secrets = world.all('secrets');
		if (secrets.length > 0) {
			const secret = random.pick(secrets);
			world.handled.add(`${secret.meta.namespace}/${secret.meta.name}`);
			act(secret);
		}
	};
	return [
		() => createPod(random.pick(NAMESPACES), annotation()),
		() => createPod(random.pick(NAMESPACES), annotation()),
		() => createPod(random.pick(NAMESPACES), annotation()),
		() => createPod(random.pick(NAMESPACES), undefined),
		() => {
			const [namespace, text] = [random.pick(NAMESPACES), annotation()];
			for (let i = random.between(2, 20); i > 0; i--) {
				createPod(namespace, text);
			}
		},
		// A rotation, and a pod that must see it, while the value from before may still be on its way.
		() => {
			const [namespace, path] = [random.pick(NAMESPACES), random.pick(['/shared/two', '/shared/three'])];
			const text = `{provider: simulated, path: ${path}, secretName: db}`;
			createPod(namespace, text);
			clock.schedule(random.between(100, 1_500), () => {
				source.put(path);
				clock.schedule(random.between(0, 600), () => createPod(namespace, text));
			});
		},
		somePod(pod => world.remove('pods', pod)),
		somePod(pod => world.finish(pod)),
		somePod(pod =>
			world.update('pods', pod, ({ meta }) => {
				meta.annotations = { [ANNOTATION_KEY]: annotation() };
			}),
		),
		somePod(pod =>
			world.update('pods', pod, ({ meta }) => {
				meta.annotations = {};
			}),
		),
		// A status change: nothing that matters.
		somePod(pod =>
			world.update('pods', pod, ({ meta }) => {
				meta.labels = { touched: String(world.version) };
			}),
		),
		() => source.put(random.pick(PATHS)),
		() => source.put(random.pick(PATHS)),
		() => source.put(random.pick(PATHS)),
		() => source.remove(random.pick(PATHS)),
		() => {
			const ref = { namespace: random.pick(NAMESPACES), name: random.pick(SECRETS) };
			if (!world.get('secrets', ref)) {
				world.create('secrets', ref, { foreign: 'untouched' });
			}
		},
		someSecret(secret => world.remove('secrets', secret)),
		someSecret(secret => editByHand(world, secret)),
		() => {
			blackout(random.between(0, 20_000));
			for (let i = random.between(0, 3); i > 0; i--) {
				somePod(pod => world.remove('pods', pod))();
			}

			if (random.chance(0.5)) {
				world.forget();
			}
		},
		() => world.forget(),
	];
}

export function editByHand(world: World, secret: StoredObject): void {
	world.update(
		'secrets',
		secret,
		edited => {
			edited.data = { ...edited.data, edited: `by hand ${world.version}` };
		},
		'kubectl',
	);
}
