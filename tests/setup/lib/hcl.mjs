// node hcl.mjs FILE: HashiCorp's parser, then every resource, attribute, block and reference against the provider's schema.
import { readFileSync } from 'node:fs';
import { parse } from '@cdktf/hcl2json';
const lib = new URL('../node_modules/@cdktf/provider-azuread/lib', import.meta.url).pathname;
const snake = s => s.replace(/[A-Z]/g, c => '_' + c.toLowerCase());
function schema(type, data) {
  const dir = (data ? 'data-' + type.replaceAll('_', '-') : type.replace(/^azuread_/, '').replaceAll('_', '-'));
  const dts = readFileSync(`${lib}/${dir}/index.d.ts`, 'utf8');
  const shapes = {};
  for (const [, name, body] of dts.matchAll(/export interface (\w+) (?:extends [^{]+)?\{([\s\S]*?)\n\}/g))
    shapes[name] = Object.fromEntries([...body.matchAll(/readonly (\w+)(\??): ([^;]+);/g)].map(([, n, q, t]) => [snake(n), { required: !q, type: t.split(/[\s|\[]/)[0] }]));
  const config = Object.keys(shapes).find(n => n.endsWith('Config'));
  const readable = new Set([...dts.matchAll(/get (\w+)\(\)/g)].map(m => snake(m[1])));
  return { top: shapes[config], shapes, readable };
}
const problems = [];
function check(where, shape, shapes, value) {
  for (const [name, v] of Object.entries(value)) {
    if (name === 'depends_on') continue;
    const known = shape[name];
    if (!known) { problems.push(`${where}: no ${name}`); continue; }
    if (shapes[known.type]) for (const inner of [v].flat()) check(`${where}.${name}`, shapes[known.type], shapes, inner);
  }
  for (const [name, { required }] of Object.entries(shape)) if (required && !(name in value)) problems.push(`${where}: ${name} is missing`);
}
const file = process.argv[2];
const text = readFileSync(file, 'utf8');
const tf = await parse('main.tf', text);
const declared = new Map();
let count = 0;
for (const [kind, data] of [['resource', false], ['data', true]])
  for (const [type, named] of Object.entries(tf[kind] ?? {}))
    for (const [name, [value]] of Object.entries(named)) {
      const s = schema(type, data); count++;
      declared.set(`${data ? 'data.' : ''}${type}.${name}`, s);
      check(`${type}.${name}`, s.top, s.shapes, value);
    }
let refs = 0;
for (const [, data, address, member] of JSON.stringify(tf).matchAll(/(data\.)?(azuread_\w+\.\w+)(?:\.(\w+))?/g)) {
  refs++;
  const s = declared.get((data ?? '') + address);
  if (!s) problems.push(`reference to ${data ?? ''}${address}, which is not there`);
  else if (member && !s.readable.has(member)) problems.push(`${address} has no ${member}`);
}
console.log(file, count, 'resources', refs, 'references', problems.length ? problems : 'fine');
process.exit(problems.length ? 1 : 0);
