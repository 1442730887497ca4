/**
 * The facts of the Node SDK that parity is about, as one JSON document on stdout: from the built package, and from its
 * declarations where only TypeScript knows. Names are as TypeScript has them; durations are in milliseconds.
 *
 * @module
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const SDK = new URL('../../node-sdk/', import.meta.url);
const DIST = new URL('dist/', SDK);
const ts = createRequire(new URL('package.json', SDK))('typescript');
const file = (path) => fileURLToPath(new URL(path, DIST));
const room = (path) => import(new URL(path, DIST));

const program = ts.createProgram([file('index.d.ts'), file('encryption.d.ts')], {
  module: ts.ModuleKind.NodeNext,
  target: ts.ScriptTarget.ES2023,
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts', 'lib.dom.d.ts', 'lib.dom.asynciterable.d.ts'],
  types: [],
  strict: true,
});
const checker = program.getTypeChecker();

const exportsOf = (path) => checker.getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(file(path))));
const resolved = (symbol) => (symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol);
const found = (path, name) => {
  const symbol = exportsOf(path).find((each) => each.name === name);
  if (symbol === undefined) throw new Error(`${path} exports no ${name}.`);
  return resolved(symbol);
};
const typeOf = (path, name) => checker.getDeclaredTypeOfSymbol(found(path, name));

/** What JavaScript calls by itself, as Python does its dunders. */
const OF_THE_LANGUAGE = new Set(['toString', 'toJSON', 'name', 'stack', 'cause']);

/** Public members of a type: name → whether it may be left out. */
function membersOf(type) {
  const hidden = ts.ModifierFlags.Private | ts.ModifierFlags.Protected;
  const isPublic = (symbol) => (symbol.declarations ?? []).every((each) => !(ts.getCombinedModifierFlags(each) & hidden));
  const symbols = type.getProperties().filter((symbol) => !/^(__@|__#|#)/.test(symbol.name) && isPublic(symbol));
  return Object.fromEntries(symbols.map((symbol) => [symbol.name, Boolean(symbol.flags & ts.SymbolFlags.Optional)]));
}

const publicOf = (type) => Object.keys(membersOf(type)).filter((name) => !OF_THE_LANGUAGE.has(name));

/** Parameters of an operation's method: the positional ones and the members of `params`; `options` is in all of them. */
function parametersOf(resource, { path, method }) {
  const owner = path.reduce((type, name) => checker.getTypeOfSymbol(type.getProperty(name)), resource);
  const [signature] = checker.getTypeOfSymbol(owner.getProperty(method)).getCallSignatures();
  const names = {};
  for (const parameter of signature.parameters) {
    const type = checker.getTypeOfSymbol(parameter);
    const optional = ts.isParameter(parameter.valueDeclaration) && parameter.valueDeclaration.questionToken !== undefined;
    if (parameter.name !== 'params') names[parameter.name] = optional;
    else Object.assign(names, membersOf(checker.getNonNullableType(type)));
  }
  return names;
}

/** Public static facts of the error classes: name → its base and its code. */
function errorsOf(entry) {
  const classes = Object.values(entry).filter((each) => typeof each === 'function' && each.prototype instanceof Error);
  return Object.fromEntries(classes.map((each) => [each.name, { base: Object.getPrototypeOf(each).name, code: each.code }]));
}

const entry = await room('index.js');
const { OPERATIONS } = await room('_generated/operations.js');
const { layers } = await room('stack.js');
const { DEFAULT_LIMITS } = await room('options.js');
const parts = readdirSync(new URL('_generated/', DIST)).filter((name) => /^policy.*\.js$/.test(name));
const policy = Object.assign({}, ...(await Promise.all(parts.map((name) => room(`_generated/${name}`)))));
const client = typeOf('index.d.ts', 'AdminClient');

const slots = ['callLog', 'status', 'retry', 'auth', 'attemptLog'];
const order = layers({ ...Object.fromEntries(slots.map((name) => [name, name])), perCall: ['perCall'], perAttempt: ['perAttempt'] });

const CLASSES = [
  'AdminClient', 'CallTelemetry', 'Clock', 'Downloaded', 'EventStream', 'FieldError', 'ItemStream', 'Page', 'Pager', 'RawResponse',
  'RefreshRecord', 'Request', 'Response', 'RetryRecord', 'Telemetry', 'TokenFailure', 'WireError',
];
const [withOptions] = checker.getTypeOfSymbol(client.getProperty('withOptions')).getCallSignatures();
const options = {
  ClientOptions: typeOf('index.d.ts', 'ClientOptions'),
  withOptions: checker.getTypeOfSymbol(withOptions.parameters[0]),
  RequestOptions: typeOf('index.d.ts', 'RequestOptions'),
};
const sources = readdirSync(new URL('src/', SDK), { recursive: true }).filter((path) => path.endsWith('.ts'));

const facts = {
  rooms: sources.map((path) => path.replaceAll('\\', '/').replace(/\.ts$/, '')),
  sources: Object.fromEntries(
    sources.filter((path) => !/^(_generated|testing)\b/.test(path)).map((path) => [path, readFileSync(new URL(`src/${path}`, SDK), 'utf8')]),
  ),
  names: exportsOf('index.d.ts').map((symbol) => symbol.name),
  encryption: exportsOf('encryption.d.ts').map((symbol) => symbol.name),
  operations: OPERATIONS,
  parameters: Object.fromEntries(Object.entries(OPERATIONS).map(([id, info]) => [id, parametersOf(client, info)])),
  members: {
    ...Object.fromEntries(CLASSES.map((name) => [name, publicOf(typeOf('index.d.ts', name))])),
    ...Object.fromEntries(['Recipient', 'Identity'].map((name) => [name, publicOf(typeOf('encryption.d.ts', name))])),
  },
  errorMembers: Object.fromEntries(
    Object.keys(errorsOf(entry)).map((name) => [name, publicOf(typeOf('index.d.ts', name))]),
  ),
  options: Object.fromEntries(Object.entries(options).map(([name, type]) => [name, publicOf(type)])),
  limits: DEFAULT_LIMITS,
  errors: errorsOf(entry),
  policy: Object.fromEntries(Object.entries(policy).map(([name, value]) => [name, value instanceof Set ? [...value] : value])),
  stack: order,
};
process.stdout.write(JSON.stringify(facts));
