// Ajv judges exchanges against the document. argv: the document; stdin: an exchange per line, as the journal tells it, headers
// and query by name; stdout: `{line, pointer, message}` per fault, then `{judged: {operation: {requests, refused, answers: {status: n}}}}`.
import { createInterface } from 'node:readline';
import { Document } from './document.mjs';

// Headers of HTTP itself, which no document describes: RFC 9110 and 9112.
const OF_HTTP = ['connection', 'content-length', 'content-type', 'date', 'transfer-encoding', 'vary'];
// The phases in which the server holds a request against the document.
const REFUSING = ['body', 'validate'];
const END = '$end';

const document = new Document(process.argv[2]);

const fault = (pointer, message) => ({ pointer, message });
const list = (value) => (Array.isArray(value) ? value : [value]);
const mediaType = (headers) => list(headers['content-type'] ?? '')[0].split(';')[0].trim().toLowerCase();
const against = (schema, value, where) =>
  document.violations(schema, value).map(({ pointer, message }) => fault(where + pointer, message));

/** Text as what its schema says it is; text that is no such thing stays text, and so fails. */
function read(type, text) {
  if (type === 'integer' || type === 'number') return /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : text;
  if (type === 'boolean') return text === 'true' || (text === 'false' ? false : text);
  return text;
}

/** A parameter's value from all that was sent; undefined if nothing was. */
function valueOf(parameter, sent) {
  const schema = document.schema(parameter.pointer);
  if (parameter.style === 'deepObject') {
    const members = Object.entries(sent).flatMap(([name, value]) => {
      const [, member] = name.match(/^[^[]+\[(.*)\]$/) ?? [];
      return name.startsWith(`${parameter.name}[`) && member !== undefined ? [[member, value]] : [];
    });
    return members.length > 0 ? Object.fromEntries(members) : undefined;
  }
  const given = sent[parameter.in === 'header' ? parameter.name.toLowerCase() : parameter.name];
  if (given === undefined) return undefined;
  if (schema.type === 'array') return list(given).map((one) => read(schema.items.type, one));
  if (Array.isArray(given)) return parameter.in === 'header' ? given.join(', ') : given;
  return read(schema.type, given);
}

function* ofParameters(operation, exchange) {
  const values = exchange.path.match(operation.pattern).slice(1).map(decodeURIComponent);
  const path = Object.fromEntries(operation.names.map((name, index) => [name, values[index]]));
  const sent = { path, query: exchange.query, header: exchange.headers };
  for (const parameter of operation.parameters) {
    const where = `request/${parameter.in}/${parameter.name}`;
    const value = valueOf(parameter, sent[parameter.in]);
    if (value !== undefined) yield* against(parameter.pointer, value, where);
    else if (parameter.required) yield fault(where, 'is required and not there');
  }
  const known = operation.parameters.filter((parameter) => parameter.in === 'query').map(({ name }) => name);
  for (const name of Object.keys(exchange.query)) {
    if (!known.includes(name.split('[')[0])) yield fault(`request/query/${name}`, 'is not declared');
  }
}

function* ofRequest(operation, exchange) {
  yield* ofParameters(operation, exchange);
  if (operation.secured && !('authorization' in exchange.headers)) yield fault('request/header/Authorization', 'is not there');
  const type = mediaType(exchange.headers);
  if (type === '' && exchange.body_size === 0) {
    if (operation.body?.required) yield fault('request/body', 'is required and not there');
    return;
  }
  const schema = operation.body?.content[type];
  if (schema === undefined) yield fault('request/body', `of ${type || 'no type'} is not declared`);
  else yield* ofContent(schema, exchange, 'body', exchange.body_size, 'request/body');
}

/** A body that is one value: JSON, a form, text; of bytes only how many there are. */
function* ofContent(schema, exchange, member, size, where) {
  const { format, maxLength } = document.schema(schema);
  if (format === 'binary') {
    if (size > maxLength) yield fault(where, `must NOT have more than ${maxLength} bytes`);
  } else if (!(member in exchange)) yield fault(where, 'is not what its type says, or was not kept');
  else yield* against(schema, exchange[member], where);
}

function* ofAnswer(operation, exchange) {
  const answer = operation.answers[exchange.status];
  if (answer === undefined) {
    yield fault('answer/status', `${exchange.status} is not declared`);
    return;
  }
  for (const [name, sent] of Object.entries(exchange.answer_headers)) {
    const where = `answer/header/${name}`;
    const declared = answer.headers[name];
    if (Array.isArray(sent)) yield fault(where, 'is there more than once');
    else if (declared !== undefined) yield* against(declared.pointer, read(document.schema(declared.pointer).type, sent), where);
    else if (!OF_HTTP.includes(name)) yield fault(where, 'is not declared');
  }
  for (const [name, { required }] of Object.entries(answer.headers)) {
    if (required && !(name in exchange.answer_headers)) yield fault(`answer/header/${name}`, 'is required and not there');
  }
  const type = mediaType(exchange.answer_headers);
  const schema = answer.content[type];
  if (Object.keys(answer.content).length === 0) {
    if (type !== '' || exchange.answer_body) yield fault('answer/body', 'is there, and none is declared');
  } else if (schema === undefined) yield fault('answer/body', `of ${type || 'no type'} is not declared`);
  else if (operation.method !== 'HEAD') yield* ofAnswerBody(operation, exchange, schema);
}

function ofAnswerBody(operation, exchange, schema) {
  const format = exchange.status < 300 ? operation.streaming?.format : undefined;
  if (format === 'ndjson') return ofLines(exchange, schema);
  if (format === 'sse') return ofEvents(exchange, schema);
  const size = Number(exchange.answer_headers['content-length'] ?? 0);
  return ofContent(schema, exchange, 'answer_body', size, 'answer/body');
}

function* ofValue(schema, text, where) {
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    yield fault(where, `is no JSON: ${error.message}`);
    return;
  }
  yield* against(schema, value, where);
}

/** NDJSON: each line by itself; a whole stream ends with how many there were. */
function* ofLines({ answer_body: text, outcome }, schema) {
  if (typeof text !== 'string') return yield fault('answer/body', 'was not kept');
  const lines = text.split('\n');
  if (lines.pop() !== '') yield fault('answer/body', 'does not end with a line feed');
  const ended = lines.at(-1)?.startsWith(`{"${END}"`) ? JSON.parse(lines.pop()) : undefined;
  for (const [index, line] of lines.entries()) yield* ofValue(schema, line, `answer/body/line ${index + 1}`);
  if (ended === undefined ? outcome === 'stream' : ended[END].count !== lines.length) {
    yield fault(`answer/body/${END}`, `${JSON.stringify(ended)} after ${lines.length} lines of a stream`);
  }
}

/** Server-sent events: the data of each, and that its id is the one to come back with. */
function* ofEvents({ answer_body: text }, schema) {
  if (typeof text !== 'string') return yield fault('answer/body', 'was not kept');
  for (const [index, block] of text.split('\n\n').entries()) {
    const where = `answer/body/event ${index + 1}`;
    const fields = {};
    for (const line of block.split('\n').filter((line) => line !== '' && !line.startsWith(':'))) {
      const [, name, value] = line.match(/^(id|event|data|retry): (.*)$/) ?? [];
      if (name === undefined) yield fault(where, `has a line that is no field: ${line}`);
      else fields[name] = value;
    }
    if (fields.event === 'end' ? fields.data !== '{}' : 'event' in fields) yield fault(where, `is a ${fields.event}`);
    if (fields.event !== undefined || fields.data === undefined) continue;
    yield* ofValue(schema, fields.data, where);
    if (!fields.data.includes(JSON.stringify(fields.id))) yield fault(where, `has the id ${fields.id}, its data another`);
  }
}

const judged = {};
const say = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);
let number = 0;
for await (const text of createInterface({ input: process.stdin })) {
  number += 1;
  const exchange = JSON.parse(text);
  const operation = document.find(exchange.method, exchange.path);
  const faults = [];
  if (operation?.id !== (exchange.operation ?? undefined)) {
    faults.push(fault('operation', `is ${operation?.id}, the server took it for ${exchange.operation}`));
  } else if (operation !== undefined) {
    const count = (judged[operation.id] ??= { requests: 0, refused: 0, answers: {} });
    const notOurs = exchange.status === null || exchange.scripted || exchange.outcome === 'malformed';
    const wrong = [...ofRequest(operation, exchange)];
    if (!notOurs && exchange.status >= 400 && REFUSING.includes(exchange.phase)) {
      count.refused += 1;
      if (wrong.length === 0) faults.push(fault('request', `was refused, and nothing is wrong with it`));
    } else if (exchange.body_sha256 !== null) {
      count.requests += 1;
      faults.push(...wrong);
    }
    // What a fault wrote, or made wrong, is no answer of the server's; one that a fault cut is recorded as it was meant.
    if (!notOurs) {
      count.answers[exchange.status] = (count.answers[exchange.status] ?? 0) + 1;
      faults.push(...ofAnswer(operation, exchange));
    }
  }
  for (const each of faults) say({ line: number, ...each });
}
say({ judged });
