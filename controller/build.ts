// Bundles the controller into dist/: ESM, one lazy chunk per provider and one for the kubeconfig loader.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { isBuiltin } from 'node:module';
import { build, type Plugin } from 'esbuild';

/**
 * Importing one of Node's modules by name makes Node read every export of it, and reading some of node:http loads
 * undici: 10 MB and 15 ms for nothing. A CommonJS module in between leaves alone what nobody asks for.
 */
const lazyBuiltins: Plugin = {
	name: 'lazy-builtins',
	setup({ onResolve, onLoad }) {
		onResolve({ filter: /^[a-z]/ }, ({ path, kind }) =>
			isBuiltin(path) && kind !== 'require-call' ? { path, namespace: 'builtin' } : undefined,
		);
		onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => ({
			contents: `module.exports = require(${JSON.stringify(path)});`,
		}));
	},
};

const outdir = new URL('dist/', import.meta.url).pathname;
await rm(outdir, { recursive: true, force: true });
await mkdir(outdir, { recursive: true });

const { metafile } = await build({
	entryPoints: { controller: new URL('src/main.ts', import.meta.url).pathname },
	outdir,
	bundle: true,
	splitting: true,
	minify: true,
	format: 'esm',
	platform: 'node',
	target: 'node24',
	chunkNames: 'chunks/[name]-[hash]',
	// CommonJS builds of the SDKs are larger and lose their named exports under a dynamic import.
	mainFields: ['module', 'main'],
	// Bundled CommonJS (pino) asks for Node's own modules by require().
	banner: {
		js: "import{createRequire as jasmRequire}from'node:module';const require=jasmRequire(import.meta.url);",
	},
	legalComments: 'none',
	plugins: [lazyBuiltins],
	metafile: true,
});

await writeFile(`${outdir}package.json`, '{ "type": "module" }\n');
await writeFile(`${outdir}metafile.json`, JSON.stringify(metafile));

const sizes = Object.entries(metafile.outputs).map(([file, { bytes }]) => ({ file, bytes }));
for (const { file, bytes } of sizes.sort((a, b) => b.bytes - a.bytes).slice(0, 6)) {
	process.stdout.write(`${(bytes / 1024).toFixed(0).padStart(6)} kB  ${file}\n`);
}
