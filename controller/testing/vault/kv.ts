// KV versions 1 and 2 of the embedded Vault: values, versions, soft deletion and destruction, metadata.
import { notFound, VaultFault } from './fault.ts';

type Json = Readonly<Record<string, unknown>>;

export type KvRequest = {
	readonly method: string;
	/** Below the mount. */
	readonly path: string;
	readonly query: URLSearchParams;
	/** Text of the body. */
	readonly body: string;
};

/** `data` of an answer; undefined for 204. */
export type KvAnswer = { readonly status?: number; readonly data?: unknown; readonly warnings?: string[] };

/** JSON with source text access, which the compiler's library does not know yet. */
const { parse, rawJSON } = JSON as unknown as {
	parse(text: string, reviver: (key: string, value: unknown, context: { source: string }) => unknown): Json;
	rawJSON(text: string): unknown;
};

function fields(body: string, reviver: Parameters<typeof parse>[1] = (_key, value) => value): Json {
	try {
		return parse(body === '' ? '{}' : body, reviver);
	} catch {
		throw new VaultFault(400, 'failed to parse JSON input');
	}
}

/** Keeps numbers as they were written. */
export class KvV1 {
	readonly #secrets = new Map<string, Json>();

	handle({ method, path, body }: KvRequest): KvAnswer {
		switch (method) {
			case 'GET': {
				const data = this.#secrets.get(path);
				if (data === undefined) {
					throw notFound();
				}

				return { data };
			}
			case 'LIST':
				return { data: { keys: keysBelow(path, this.#secrets.keys()) } };
			case 'DELETE':
				this.#secrets.delete(path);
				return {};
			case 'POST':
			case 'PUT':
				this.put(path, body);
				return {};
			default:
				throw new VaultFault(405, 'unsupported operation');
		}
	}

	put(path: string, text: string): string {
		const keep = (_key: string, value: unknown, { source }: { source: string }) =>
			typeof value === 'number' ? rawJSON(source) : value;
		this.#secrets.set(path, fields(text, keep));
		return '';
	}
}

type Version = { readonly data: unknown; readonly created: string; deletedAt: string; destroyed: boolean };

/** As Vault does, takes numbers for floats of 64 bits. */
export class KvV2 {
	readonly #now: () => number;
	readonly #secrets = new Map<string, Version[]>();

	constructor(now: () => number) {
		this.#now = now;
	}

	handle(request: KvRequest): KvAnswer {
		const [, area = '', path = ''] = /^(\w+)(?:\/(.*))?$/.exec(request.path) ?? [];
		switch (area) {
			case 'data':
				return this.#data(path, request);
			case 'metadata':
				return this.#metadata(path, request);
			case 'delete':
			case 'undelete':
			case 'destroy':
				for (const number of (fields(request.body)['versions'] as number[]) ?? []) {
					this.mark(path, area, Number(number));
				}

				return {};
			default:
				return {
					status: 404,
					data: null,
					warnings: [
						'Invalid path for a versioned K/V secrets engine. See the API docs for the appropriate API ' +
							"endpoints to use. If using the Vault CLI, use 'vault kv get' for this operation.",
					],
				};
		}
	}

	/** Adds a version; its number. */
	put(path: string, data: unknown): number {
		const versions = this.#secrets.get(path) ?? [];
		versions.push({ data, created: this.#time(), deletedAt: '', destroyed: false });
		this.#secrets.set(path, versions);
		return versions.length;
	}

	/** Of the newest version where no number is given. */
	mark(path: string, how: 'delete' | 'undelete' | 'destroy', number?: number): void {
		const version = this.#secrets.get(path)?.at(number === undefined ? -1 : number - 1);
		if (version === undefined) {
			return;
		}

		if (how === 'destroy') {
			version.destroyed = true;
		} else {
			version.deletedAt = how === 'delete' ? this.#time() : '';
		}
	}

	/** Removes the secret with all its versions. */
	forget(path: string): void {
		this.#secrets.delete(path);
	}

	#data(path: string, { method, query, body }: KvRequest): KvAnswer {
		switch (method) {
			case 'GET':
				return this.#read(path, query.get('version'));
			case 'DELETE':
				this.mark(path, 'delete');
				return {};
			case 'POST':
			case 'PUT': {
				const input = fields(body);
				if (!('data' in input)) {
					throw new VaultFault(400, 'no data provided');
				}

				const number = this.put(path, input['data']);
				return { data: metadataOf(this.#secrets.get(path)!.at(-1)!, number) };
			}
			default:
				throw new VaultFault(405, 'unsupported operation');
		}
	}

	#read(path: string, asked: string | null): KvAnswer {
		if (asked !== null && !/^\d+$/.test(asked)) {
			throw new VaultFault(400, 'Field validation failed: error converting input for field "version"');
		}

		const versions = this.#secrets.get(path) ?? [];
		const number = Number(asked ?? 0) || versions.length;
		const version = versions[number - 1];
		if (version === undefined) {
			throw notFound();
		}

		const gone = version.destroyed || version.deletedAt !== '';
		return {
			...(gone && { status: 404 }),
			data: { data: gone ? null : version.data, metadata: metadataOf(version, number) },
		};
	}

	#metadata(path: string, { method }: KvRequest): KvAnswer {
		if (method === 'LIST') {
			return { data: { keys: keysBelow(path, this.#secrets.keys()) } };
		}

		const versions = this.#secrets.get(path);
		if (method === 'DELETE') {
			this.forget(path);
			return {};
		}

		if (versions === undefined) {
			throw notFound();
		}

		const described = versions.map((version, index) => [index + 1, metadataOf(version, index + 1)]);
		return { data: { current_version: versions.length, versions: Object.fromEntries(described) } };
	}

	#time(): string {
		return new Date(this.#now()).toISOString();
	}
}

const metadataOf = ({ created, deletedAt, destroyed }: Version, version: number) => ({
	created_time: created,
	custom_metadata: null,
	deletion_time: deletedAt,
	destroyed,
	version,
});

function keysBelow(folder: string, paths: Iterable<string>): string[] {
	const prefix = folder === '' || folder.endsWith('/') ? folder : `${folder}/`;
	const keys = Array.from(paths)
		.filter(path => path.startsWith(prefix))
		.map(path => /^[^/]*\/?/.exec(path.slice(prefix.length))![0]);
	if (keys.length === 0) {
		throw notFound();
	}

	return [...new Set(keys)].sort();
}
