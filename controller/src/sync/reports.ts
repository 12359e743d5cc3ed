// What was reported to each pod that asks for one Secret, in little memory: most Secrets have one pod.
import type { SecretRequest } from '../requests/requesters.ts';

/** Immutable: replicas that hear the same share one. */
type Report = {
	/** The pod heard that its Secret exists, or was served by an earlier run of JASM. */
	readonly served: boolean;
	/** The failures that the pod heard of; one needs no array. */
	readonly causes: string | readonly string[] | undefined;
};

const NOTHING: Report = Object.freeze({ served: false, causes: undefined });
const SERVED: Report = Object.freeze({ served: true, causes: undefined });

/** More distinct causes than this forget the oldest: an Event repeats, memory does not grow. */
const MAX_CAUSES = 16;

export class Reports {
	/** Up to one request stands here; more are in a Map, which costs ten times as much. */
	#sole: SecretRequest | undefined;
	#soleReport: Report = NOTHING;
	#byRequest: Map<SecretRequest, Report> | undefined;

	isServed(request: SecretRequest): boolean {
		return this.#of(request).served;
	}

	/** Returns whether the success is news for this request. */
	serve(request: SecretRequest): boolean {
		const report = this.#of(request);
		if (report.served) {
			return false;
		}

		this.#set(request, report === NOTHING ? SERVED : { ...report, served: true });
		return true;
	}

	/** Returns the requests for which this cause is news. */
	add(requests: readonly SecretRequest[], cause: string): readonly SecretRequest[] {
		let last: { readonly before: Report; readonly after: Report } | undefined;
		return requests.filter(request => {
			const before = this.#of(request);
			const known = typeof before.causes === 'string' ? [before.causes] : (before.causes ?? []);
			if (known.includes(cause)) {
				return false;
			}

			if (last?.before !== before) {
				const causes = known.length === 0 ? cause : [...known, cause].slice(-MAX_CAUSES);
				last = { before, after: { served: before.served, causes } };
			}

			this.#set(request, last.after);
			return true;
		});
	}

	/** Forgets requests that are not among these; at most as many as there are stay behind. */
	keepOnly(requests: readonly SecretRequest[]): void {
		if (this.#byRequest === undefined) {
			if (this.#sole !== undefined && !requests.includes(this.#sole)) {
				this.#sole = undefined;
				this.#soleReport = NOTHING;
			}
		} else if (this.#byRequest.size > requests.length) {
			const kept = requests.map(request => [request, this.#of(request)] as const);
			this.#byRequest = undefined;
			for (const [request, report] of kept) {
				this.#set(request, report);
			}
		}
	}

	#of(request: SecretRequest): Report {
		return (this.#sole === request ? this.#soleReport : this.#byRequest?.get(request)) ?? NOTHING;
	}

	#set(request: SecretRequest, report: Report): void {
		if (this.#byRequest !== undefined) {
			this.#byRequest.set(request, report);
		} else if (this.#sole === undefined || this.#sole === request) {
			this.#sole = request;
			this.#soleReport = report;
		} else {
			this.#byRequest = new Map([
				[this.#sole, this.#soleReport],
				[request, report],
			]);
			this.#sole = undefined;
			this.#soleReport = NOTHING;
		}
	}
}
