// Reads the address of a listener: HOST:PORT, :PORT for every interface, or 0 for none.

/** The address as it is, or undefined if it has another form or a port above 65,535. */
export function readAddress(address: string): string | undefined {
	const [, port] = /^(?:[A-Za-z0-9.-]*|\[[0-9A-Fa-f:.]+\]):(\d{1,5})$/.exec(address) ?? [];
	return address === '0' || Number(port) <= 65_535 ? address : undefined;
}
