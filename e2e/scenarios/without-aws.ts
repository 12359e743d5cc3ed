// The manual without an AWS account: with an emulator, and with Vault only. Each is followed from a clean stack.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeCertificate } from '../cloud/certificate.ts';
import { hostAddress, vaultCommands } from '../cluster/adapter.ts';
import { counts, Stack } from '../cluster/stack.ts';
import { type Environment, PATHS } from '../cluster/workspace.ts';
import type { Terminal } from '../users/terminal.ts';
import { INSTALL } from './manual.ts';
import { expect, type ScenarioContext } from './scenario-context.ts';

const VAULT_PAGE = 'docs/providers/vault.md';

export async function emulator(context: ScenarioContext): Promise<void> {
	await context.report.scenario('emulator', 'identity none: the samples run with their Secrets', async () => {
		const { reader, terminal } = await newcomer(context, 'emulator');
		const blocks = reader.section(INSTALL, 'Without AWS: an emulator');
		const said = await reader.paste(terminal, ...blocks.slice(0, -1));
		expect(/^got DB_HOST DB_PASSWORD DB_USER$/m.test(said), 'sample-config did not print what it got');
		const deleted = await uninstall(context, terminal);
		await reader.paste(terminal, ...blocks.slice(-1));
		await terminal.close();
		return `sample-config has its values; ${deleted} deleted`;
	});
}

export async function vaultOnly(context: ScenarioContext): Promise<void> {
	const { env } = context.environment;
	await context.report.scenario('Vault only', 'identity none: the sample runs with its Secret', async () => {
		const { reader, terminal } = await newcomer(context, 'vault', await vaultCommands(env));
		const [server, init, up, own, rotate, stop] = reader.section(INSTALL, 'Without AWS: Vault only');
		await reader.paste(terminal, server!, ...reader.section(VAULT_PAGE, 'Set-up: Kubernetes auth'), init!);
		const [yaml = ''] = reader.snippets(INSTALL, 'Without AWS: Vault only', 'yaml');
		new Stack({ env }).paste(yaml);
		const said = await reader.paste(terminal, up!);
		expect(/^got DB_PASSWORD DB_USER$/m.test(said), 'sample-vault did not print what it got');
		expect((await reader.paste(terminal, own!)).includes('the user is first'), 'the own pod has no value');
		const rotated = await reader.paste(terminal, rotate!);
		expect(rotated.includes('the user is second'), 'the restarted pod has no new value');
		const { cert } = await makeCertificate(env, 'reader', ['vault.example.com']);
		writeFileSync(join(PATHS.clone, 'vault-ca.pem'), cert);
		await reader.paste(terminal, ...reader.section(INSTALL, 'With Vault or OpenBao'));
		await context.environment.cluster.kubectl(['-n', 'jasm', 'delete', 'configmap/jasm-authorities']);
		const deleted = await uninstall(context, terminal);
		await reader.paste(terminal, stop!);
		await terminal.close();
		return `sample-vault has its values, the own pod a rotated one; ${deleted} deleted`;
	});
}

/** A reader without AWS in a terminal of the workspace, who knows this host by the name that pods have for it. */
async function newcomer(context: ScenarioContext, name: string, path?: string) {
	const { environment } = context;
	const words = { 'host.minikube.internal': await hostAddress(environment.cluster) };
	const reader = environment.reader.with(words);
	const withoutAws: Environment = { AWS_CONFIG_FILE: '/dev/null', AWS_SHARED_CREDENTIALS_FILE: '/dev/null' };
	const terminal = reader.open(name, PATHS.clone, { path, env: withoutAws });
	await reader.paste(terminal, ...reader.section(INSTALL, 'The workspace'));
	return { reader, terminal };
}

/** The end of both ways; returns how many resources were deleted. */
async function uninstall({ environment }: ScenarioContext, terminal: Terminal): Promise<number> {
	const { reader } = environment;
	const [destroy, ...remains] = reader.section(INSTALL, 'Uninstall');
	const deleted = counts(await reader.paste(terminal, destroy!))['deleted'] ?? 0;
	await reader.paste(terminal, ...remains);
	return deleted;
}
