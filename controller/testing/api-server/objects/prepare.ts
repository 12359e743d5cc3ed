// What the server itself puts into objects: identity and defaults of a new one, and what an update cannot change.
import { randomInt, randomUUID } from 'node:crypto';
import type { Kind, View } from './kinds.ts';
import { isRecord, type KubeObject, sameJson, textAt } from './object.ts';

type Write = {
	readonly kind: Kind;
	readonly view: View;
	readonly name: string;
	readonly subresource: string;
};

/** Counts the templates of a DaemonSet; the server itself raises it. */
export const TEMPLATE_GENERATION = 'deprecated.daemonset.template.generation';

const suffixAlphabet = 'bcdfghjklmnpqrstvwxz2456789';

/** Gives a new object its name, identity and first status; `now` as timestamps are written. */
export const prepareCreate = (kind: Kind, object: KubeObject, now: string): void => {
	const { metadata } = object;
	if (!metadata.name && metadata.generateName) {
		metadata.name = `${metadata.generateName.slice(0, 58)}${Array.from({ length: 5 }, () => suffixAlphabet[randomInt(suffixAlphabet.length)]).join('')}`;
	}
	metadata.uid = randomUUID();
	metadata.creationTimestamp = now;
	delete metadata.deletionTimestamp;
	delete metadata.deletionGracePeriodSeconds;
	delete metadata.managedFields;
	delete metadata.generation;
	if (kind.generation) metadata.generation = 1;
	if (kind.status) delete object['status'];
	if (kind.kind === 'DaemonSet') setTemplateGeneration(object, 1);
	if (kind.kind === 'Pod') object['status'] = { phase: 'Pending', qosClass: 'BestEffort' };
	if (kind.kind === 'Namespace') {
		object['spec'] = { finalizers: ['kubernetes'] };
		object['status'] = { phase: 'Active' };
		object.metadata.labels = {
			...object.metadata.labels,
			'kubernetes.io/metadata.name': object.metadata.name ?? '',
		};
	}
};

const setTemplateGeneration = ({ metadata }: KubeObject, generation: number): void => {
	metadata.annotations = { ...metadata.annotations, [TEMPLATE_GENERATION]: String(generation) };
};

/** Copies what a client cannot change from the stored object. */
export const carryOver = (request: Write, object: KubeObject, old: KubeObject): void => {
	const { metadata } = object;
	for (const field of [
		'name',
		'namespace',
		'uid',
		'resourceVersion',
		'generation',
		'creationTimestamp',
		'deletionTimestamp',
		'deletionGracePeriodSeconds',
		'managedFields',
	] as const) {
		const value = old.metadata[field];
		if (value === undefined) delete metadata[field];
		else Object.assign(metadata, { [field]: value });
	}
	if (old.metadata.generateName !== undefined) metadata.generateName ??= old.metadata.generateName;
	if (request.subresource === 'status') {
		for (const field of request.view.fields) {
			if (field === 'status') continue;
			if (old[field] === undefined) delete object[field];
			else object[field] = old[field];
		}
	} else if (request.kind.status) {
		if (old['status'] === undefined) delete object['status'];
		else object['status'] = old['status'];
	}
	if (request.kind.kind === 'Namespace') {
		object['spec'] ??= old['spec'];
		metadata.labels = { ...metadata.labels, 'kubernetes.io/metadata.name': request.name };
	}
	if (request.kind.kind === 'DaemonSet') {
		const templateOf = ({ spec }: KubeObject): unknown => (isRecord(spec) ? spec['template'] : undefined);
		const before = Number(old.metadata.annotations?.[TEMPLATE_GENERATION] ?? 0);
		setTemplateGeneration(object, before + (sameJson(templateOf(object), templateOf(old)) ? 0 : 1));
	}
	if (request.kind.kind === 'Pod' && isRecord(object['spec'])) {
		const node = textAt(old, 'spec', 'nodeName');
		if (node !== '') object['spec'] = { ...object['spec'], nodeName: node };
	}
};
