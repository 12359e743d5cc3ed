// The first lines of the log: what runs here, with which providers and rules, and what a person should change.
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import type { Config } from '../config/config.ts';
import type { Logger } from '../observability/logger.ts';
import type { BuiltInKind, Environment } from '../providers/provider.ts';
import { KINDS, kindNamed } from '../providers/registry.ts';

export type StartLogOptions = {
	readonly config: Config;
	readonly version: string;
	readonly logger: Logger;
	readonly env: Environment;
	/** Providers of an embedding program, by name. */
	readonly providers: Readonly<Record<string, unknown>>;
	readonly healthPort: number | undefined;
	readonly metricsPort: number | undefined;
};

export function logStart(options: StartLogOptions): void {
	const { config, version, logger, providers, healthPort, metricsPort } = options;
	const configured = Object.entries(config.providers).map(([name, { kind }]) => ({ name, kind }));
	const embedded = Object.keys(providers).map(name => ({ name, kind: 'custom' }));
	logger.info(
		{
			version,
			profile: config.profile,
			namespace: config.namespace,
			providers: [...configured, ...embedded],
			rules: config.policy.length,
			healthPort,
			metricsPort,
		},
		'starting',
	);
	for (const notice of config.notices) {
		logger.info(notice);
	}

	for (const warning of config.warnings) {
		logger.warn(warning);
	}
}

/** Opens the files that providers name. A missing one is a warning only: it can appear later, and is read then. */
export async function warnOfFiles({ config, env, logger }: StartLogOptions): Promise<void> {
	for (const [name, provider] of Object.entries(config.providers)) {
		const needs = kindNamed<BuiltInKind>(provider.kind, KINDS)?.installation(provider, env);
		const token = needs?.token === undefined ? [] : [needs.token.file];
		for (const file of new Set([
			...token,
			...(needs?.authorities ?? []),
			...(needs?.credentialFiles ?? []),
		])) {
			const why = await unreadable(file);
			if (why !== undefined) {
				logger.warn({ provider: name, file }, `provider ${name}: the file "${file}" ${why}`);
			}
		}
	}
}

async function unreadable(file: string): Promise<string | undefined> {
	try {
		await access(file, constants.R_OK);
		return undefined;
	} catch (error) {
		const { code } = error as NodeJS.ErrnoException;
		switch (code) {
			case 'ENOENT':
				return 'does not exist yet: mount it, or correct its path; JASM reads it when it needs it';
			case 'EACCES':
				return 'may not be read by this process: check its owner and mode (fsGroup of the pod)';
			default:
				return `cannot be read (${code})`;
		}
	}
}
