// Guards of the AWS account: the identity that works is the one that the stack names, in the stack's account.
import type { AwsConfig } from '../config/config.ts';
import { type GuardPorts, lastLine, NOT_INSTALLED, parse, refuse } from './local-commands.ts';

const STATIC_KEYS = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY', 'AWS_SESSION_TOKEN'];

/** Refuses an environment that could lead to another identity than the stack's profile. */
export function checkEnvironment({ profile }: AwsConfig, environment: GuardPorts['environment']): void {
	// Without a profile the environment decides: keys of a CI job, web identity, Pulumi ESC.
	if (profile === undefined) return;
	const found = STATIC_KEYS.filter(key => (environment[key] ?? '') !== '');
	// Tools disagree whether keys or a profile win, so with both it is not certain which account is meant.
	if (found.length > 0) {
		refuse(
			`static AWS keys are in the environment (${found.join(', ')}), and the stack works with profile "${profile}"`,
			`Run: unset ${found.join(' ')}. To work with these keys, as in CI: pulumi config set awsProfile ''`,
		);
	}
	const ambient = environment['AWS_PROFILE'] ?? '';
	if (ambient !== profile) {
		refuse(
			`AWS_PROFILE is ${ambient === '' ? 'not set' : `"${ambient}"`}, the stack works with "${profile}"`,
			`Run: export AWS_PROFILE=${profile}. To work with another profile: pulumi config set awsProfile NAME`,
		);
	}
}

/** Refuses an identity of another account. Without the AWS CLI, only the AWS provider of Pulumi checks that. */
export async function checkAccount(aws: AwsConfig, { run, say }: GuardPorts): Promise<void> {
	const { accountId, region, profile } = aws;
	const who = profile === undefined ? 'the AWS identity of the environment' : `profile "${profile}"`;
	const flags = ['--output', 'json', '--region', region];
	const { code, stdout, stderr } = await run('aws', [
		...['sts', 'get-caller-identity', ...flags],
		...(profile === undefined ? [] : ['--profile', profile]),
	]);
	if (code === NOT_INSTALLED) {
		say(`the AWS CLI is not installed: Pulumi's AWS provider checks that ${who} is of account ${accountId}`);
		return;
	}
	if (code !== 0) {
		refuse(
			`${who} has no session (${lastLine(stderr)})`,
			profile === undefined
				? 'Give the environment credentials, or name a profile: pulumi config set awsProfile NAME'
				: `Run: aws sso login --profile ${profile}`,
		);
	}
	const account = String(parse(stdout)['Account']);
	if (account !== accountId) {
		refuse(
			`${who} belongs to account ${account}, the stack to ${accountId}`,
			`Use the identity of the right account, or: pulumi config set awsAccountId ${account}`,
		);
	}
	say(`AWS account ${accountId}, region ${region}, ${who}`);
}
