// Reads through the controller as it is shipped: each is a pod with an annotation, answered by a Secret or an Event.
import type { ErrorCode } from '../../../src/errors.ts';
import { ANNOTATION_KEY } from '../../../src/requests/annotation.ts';
import type { Got, Refusal } from '../../providers/shared/contract-promises.ts';
import type { ControllerProcess } from './controller-process.ts';
import { annotation, type TestEnvironment } from './test-environment.ts';

const OUTCOMES = [
	'SecretSyncSuccess',
	'SecretFetchFailed',
	'SecretSyncFailed',
	'AnnotationInvalid',
	'PolicyDenied',
	'ProviderUnsupported',
];

const SPEC = { containers: [{ name: 'app', image: 'app:1' }] };

/** What an annotation says beside its provider. */
export type Asked = { readonly path: string; readonly version?: string; readonly key?: string };

/** `environment` stands on an embedded API server. */
export class BuiltReads {
	readonly controller: ControllerProcess;
	readonly #environment: TestEnvironment;
	readonly #namespace: string;
	#pods = 0;

	constructor(controller: ControllerProcess, environment: TestEnvironment, namespace: string) {
		this.controller = controller;
		this.#environment = environment;
		this.#namespace = namespace;
	}

	/** Fails, with the Event's text, where no Secret is written. */
	async read(provider: string, asked: Asked): Promise<Got> {
		const { name, note, reason } = await this.#ask(provider, asked);
		if (reason !== 'SecretSyncSuccess') {
			throw new Error(`${provider}: ${reason}: ${note}`);
		}

		const { bytes, annotations } = await this.#environment.secret(this.#namespace, name);
		return { version: annotations['jasm.codnod.io/source-version'] ?? '', values: Object.fromEntries(bytes) };
	}

	/** Fails where a Secret is written. The pod is deleted, so that JASM does not try it again. */
	async refused(provider: string, asked: Asked): Promise<Refusal> {
		const { name, note, reason } = await this.#ask(provider, asked);
		if (reason === 'SecretSyncSuccess') {
			throw new Error(`${provider}: expected the read of ${JSON.stringify(asked)} to fail`);
		}

		this.#environment.api.delete('Pod', this.#namespace, name);
		const [, code = reason === 'AnnotationInvalid' ? 'ANNOTATION_INVALID' : ''] =
			/\(([A-Z_]+)\):/.exec(note) ?? [];
		return { code: code as ErrorCode, message: note.replaceAll(name, 'NAME') };
	}

	async #ask(provider: string, asked: Asked) {
		const name = `ask-${++this.#pods}`;
		const annotations = { [ANNOTATION_KEY]: annotation({ ...asked, provider, secretName: name }) };
		const metadata = { namespace: this.#namespace, name, annotations };
		this.#environment.api.create({ apiVersion: 'v1', kind: 'Pod', metadata, spec: SPEC });
		const { reason, note } = await this.#environment.event(this.#namespace, name, OUTCOMES);
		return { name, reason, note };
	}
}
