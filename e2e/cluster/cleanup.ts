// Undoes what a run started, in reverse order, however the run ends: done, failed, Ctrl-C.

type Undo = { readonly name: string; readonly act: () => Promise<void> | void };

const undos: Undo[] = [];
let finishing: Promise<string[]> | undefined;

/** Registers how to end what was just started. Returns a function that ends it now and forgets it. */
export function onEnd(name: string, act: Undo['act']): () => Promise<void> {
	const undo = { name, act };
	undos.push(undo);
	return async () => {
		const index = undos.indexOf(undo);
		if (index === -1) return;
		undos.splice(index, 1);
		await act();
	};
}

/** Ends everything, once, and returns what could not be ended. After a failure the others end all the same. */
export function finish(): Promise<string[]> {
	finishing ??= (async () => {
		const failures: string[] = [];
		for (let undo = undos.pop(); undo !== undefined; undo = undos.pop()) {
			try {
				await undo.act();
			} catch (error) {
				failures.push(`${undo.name}: ${(error as Error).message}`);
			}
		}
		return failures;
	})();
	return finishing;
}

/** Ends the run in order at the first SIGINT, SIGTERM or SIGHUP, and at an uncaught error. */
export function finishOnSignals(say: (line: string) => void): void {
	const end = (why: string, code: number) => {
		if (finishing !== undefined) return say('cleaning up already; a moment');
		say(`${why}: cleaning up`);
		void finish().then(failures => {
			for (const failure of failures) say(`left behind: ${failure}`);
			process.exit(code);
		});
	};
	process.on('SIGINT', () => end('SIGINT', 130));
	process.on('SIGTERM', () => end('SIGTERM', 143));
	process.on('SIGHUP', () => end('SIGHUP', 129));
	process.on('uncaughtException', error => end(`uncaught ${error.stack ?? error.message}`, 1));
}
