// An answer of an embedded AWS service that refuses: HTTP status, error type and message as AWS documents them.

export class AwsFault extends Error {
	readonly status: number;
	readonly type: string;

	constructor(type: string, message: string, status = 400) {
		super(message);
		this.type = type;
		this.status = status;
	}
}
