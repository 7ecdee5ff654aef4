// Builds static/dist: hashed files, and meta.json from logical to hashed names.
// Run by `npm run build`, or with another directory to build into; the result is committed, so that Go needs no Node.
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import esbuild from 'esbuild'
import * as sass from 'sass'

const root = fileURLToPath(new URL('.', import.meta.url))
const dist = process.argv[2] ?? join(root, 'static', 'dist')
const css = sass.compile(join(root, 'src', 'app.scss'), {
  loadPaths: [join(root, 'node_modules')],
  quietDeps: true,
  silenceDeprecations: ['mixed-decls']
}).css

// Only now: a style sheet that does not compile must leave the old files alone.
rmSync(dist, { recursive: true, force: true })
mkdirSync(dist, { recursive: true })

const shared = {
  absWorkingDir: root,
  bundle: true,
  minify: true,
  metafile: true,
  outdir: dist,
  entryNames: '[name].[hash]',
  assetNames: '[name].[hash]',
  loader: { '.woff2': 'file' },
  legalComments: 'none',
  target: ['es2022', 'chrome110', 'firefox115', 'safari16']
}
const results = [
  await esbuild.build({ ...shared, stdin: { contents: css, loader: 'css', resolveDir: root, sourcefile: 'app.css' } }),
  await esbuild.build({ ...shared, entryPoints: ['src/app.mjs'], format: 'esm' }),
  await esbuild.build({ ...shared, entryPoints: ['src/posted.mjs'], format: 'iife' })
]

const names = {}
for (const { metafile } of results) {
  for (const [file, output] of Object.entries(metafile.outputs)) {
    if (!output.entryPoint) continue
    const hashed = basename(file)
    names[hashed.replace(/^stdin/, 'app').replace(/\.[^.]+(?=\.\w+$)/, '')] = hashed.replace(/^stdin/, 'app')
    if (hashed.startsWith('stdin')) {
      writeFileSync(join(dist, hashed.replace(/^stdin/, 'app')), readFileSync(join(dist, hashed)))
      rmSync(join(dist, hashed))
    }
  }
}

const icon = readFileSync(join(root, 'src', 'icon.svg'))
names['icon.svg'] = `icon.${createHash('sha256').update(icon).digest('hex').slice(0, 8).toUpperCase()}.svg`
writeFileSync(join(dist, names['icon.svg']), icon)
writeFileSync(join(dist, 'meta.json'), JSON.stringify(names, Object.keys(names).sort(), 2) + '\n')
