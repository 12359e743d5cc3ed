// A clean clone of this repository, with the changes of its work tree, made as a reader makes one: by `git clone`.
import { must } from './processes.ts';
import { type Environment, PATHS, ROOT } from './workspace.ts';

/** Clones into the run's folder. Files that git does not track are not in it. */
export async function cloneRepository(env: Environment): Promise<void> {
	const author = ['-c', 'user.name=e2e', '-c', 'user.email=e2e@example.invalid'];
	const git = (...args: string[]) => must('git', [...author, ...args], { env, log: 'git' });
	// A commit of the work tree that no branch points to; nothing is printed where there are no changes.
	const changed = (await git('-C', ROOT, 'stash', 'create')).trim();
	const commit = changed || (await git('-C', ROOT, 'rev-parse', 'HEAD')).trim();
	await git('init', '--quiet', '--bare', '--initial-branch=main', PATHS.origin);
	await git(
		'-C',
		PATHS.origin,
		'fetch',
		'--quiet',
		'--depth=1',
		`file://${ROOT}`,
		`${commit}:refs/heads/main`,
	);
	await git('clone', '--quiet', `file://${PATHS.origin}`, PATHS.clone);
}
