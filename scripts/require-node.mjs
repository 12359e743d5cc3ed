// Stops with a clear message where the Node that runs the workspace's scripts is older than 24.
// On Linux x64 and arm64 the workspace brings its own Node; elsewhere the system's is used.
const major = Number(process.versions.node.split('.')[0]);
if (major < 24) {
	process.stderr.write(
		`JASM needs Node 24 or newer to run its scripts; this is ${process.version} on ${process.platform}-${process.arch}. ` +
			'On Linux x64 and arm64 it is installed with the workspace; elsewhere install Node 24 (https://nodejs.org).\n',
	);
	process.exit(1);
}
