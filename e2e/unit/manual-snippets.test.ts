// YAML and JSON of the manual: annotations, manifests and stack files are accepted by what reads them.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAnnotation } from '@jasm/controller';
import { startApiServer } from '@jasm/controller/testing';
import * as k8s from '@kubernetes/client-node';
import test from 'ava';
import { loadConfig } from '../../infra/src/config/config.ts';
import { TEMPLATE } from '../cluster/stack.ts';
import { ROOT } from '../cluster/workspace.ts';
import { manual, place } from '../users/manual.ts';
import { annotationsOf, snippet } from '../users/snippets.ts';

const blocks = manual();
const snippets = blocks
	.filter(({ language }) => language === 'yaml')
	.map(block => ({ at: place(block), ...snippet(block) }));

test('every annotation of the manual is valid', t => {
	const values = snippets.flatMap(found => {
		if (found.kind === 'annotation') return [{ at: found.at, value: found.value }];
		if (found.kind === 'manifest')
			return annotationsOf(found.manifest).map(value => ({ at: found.at, value }));
		return [];
	});
	t.true(values.length >= 8);
	for (const { at, value } of values) t.notThrows(() => parseAnnotation(value), at);
});

test('every manifest of the manual, and every part of a pod, is accepted by an API server', async t => {
	const server = await startApiServer();
	t.teardown(() => server.close());
	const config = new k8s.KubeConfig();
	config.loadFromString(server.kubeconfig({ namespace: 'default' }));
	const objects = k8s.KubernetesObjectApi.makeApiClient(config);
	const manifests = snippets.flatMap(found => (found.kind === 'manifest' ? [found] : []));
	t.true(manifests.length >= 4);
	for (const { at, manifest } of manifests) {
		const metadata = { ...manifest.metadata, namespace: 'default' };
		const created = await objects
			.create({ ...manifest, metadata } as k8s.KubernetesObject)
			.catch(error => t.fail(`${at}: ${error}`));
		t.is((created as k8s.KubernetesObject).metadata?.name, manifest.metadata.name, at);
	}
});

test('every part of a stack file is accepted on top of the committed template', t => {
	const committed = k8s.loadYaml<{ config: Record<string, unknown> }>(
		readFileSync(join(ROOT, TEMPLATE), 'utf8'),
	);
	const stacks = snippets.flatMap(found => (found.kind === 'stack' ? [found] : []));
	t.true(stacks.length >= 5);
	for (const { at, config } of stacks) {
		// Where the manual leaves AWS out, it sets these two by commands.
		const aws = JSON.stringify(config).includes('aws-secretsmanager') || 'jasm:awsAccountId' in config;
		const withoutAws = aws ? {} : { 'jasm:identity': 'none', 'jasm:testSecrets': false };
		const keys = Object.entries({ ...committed.config, ...withoutAws, ...config })
			.filter(([key]) => key.startsWith('jasm:'))
			.map(([key, value]) => [
				key.slice('jasm:'.length),
				typeof value === 'string' ? value : JSON.stringify(value),
			]);
		t.notThrows(() => loadConfig(Object.fromEntries(keys), 'dev'), at);
	}
});

test('every JSON block of the manual is JSON', t => {
	const found = blocks.filter(({ language }) => language === 'json');
	for (const block of found) t.notThrows(() => JSON.parse(block.text), place(block));
});
