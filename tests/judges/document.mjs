// spec/openapi.yaml as judges need it: its operations by method and path, and a validator for each of its schemas.
import { readFileSync } from 'node:fs';
import Ajv2020 from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { parse } from 'yaml';

const METHODS = ['get', 'put', 'post', 'delete', 'patch', 'head'];
const DOCUMENT = 'urn:admin-api:document';
// What OpenAPI adds to JSON Schema. Strict mode refuses any other word it does not know.
const ANNOTATIONS = ['discriminator', 'example', 'externalDocs'];

const escaped = (part) => String(part).replaceAll('~', '~0').replaceAll('/', '~1');

/** The document with its operations; an error if a schema of theirs cannot be compiled: no judge passes what it cannot read. */
export class Document {
  #root;
  #ajv = new Ajv2020({ strict: true, strictTypes: false, strictRequired: false, allErrors: true, validateFormats: true });
  #validators = new Map();

  constructor(path) {
    this.#root = parse(readFileSync(path, 'utf8'));
    addFormats.default(this.#ajv);
    this.#ajv.addVocabulary([...ANNOTATIONS, ...Object.keys(this.#root)]); // the whole document is a schema to it
    this.#ajv.addSchema(this.#root, DOCUMENT);
    this.operations = Object.entries(this.#root.paths).flatMap(([template, item]) =>
      METHODS.filter((method) => method in item).map((method) => this.#operation(template, method)),
    );
  }

  /** The operation of a request, found by its path alone: literal parts before templates. */
  find(method, path) {
    const found = this.operations.filter((operation) => operation.method === method && operation.pattern.test(path));
    return found.sort((one, other) => one.template.split('{').length - other.template.split('{').length)[0];
  }

  /** What is wrong with a value: `{pointer, message}` each, none if it is as the schema at this pointer says. */
  violations(pointer, value) {
    const validate = this.#validators.get(pointer);
    if (validate === undefined) throw new Error(`${pointer}: nobody compiled this schema`);
    if (validate(value)) return [];
    return validate.errors.map((error) => ({
      pointer: error.instancePath,
      message: `${error.message} ${JSON.stringify(error.params)}`,
    }));
  }

  /** The schema at a pointer, through references. */
  schema(pointer) {
    return this.#at(pointer).value;
  }

  #operation(template, method) {
    const place = `/paths/${escaped(template)}`;
    const here = `${place}/${method}`;
    const own = this.#at(here).value;
    const shared = this.#at(place).value.parameters ?? [];
    const parameters = [
      ...shared.map((_, index) => `${place}/parameters/${index}`),
      ...(own.parameters ?? []).map((_, index) => `${here}/parameters/${index}`),
    ].map((pointer) => {
      const { value, at } = this.#at(pointer);
      return { ...value, pointer: this.#compiled(`${at}/schema`) };
    });
    return {
      id: own.operationId,
      method: method.toUpperCase(),
      template,
      pattern: new RegExp(`^${template.replace(/[.]/g, '\\.').replace(/\{[^}]+\}/g, '([^/]+)')}$`),
      names: [...template.matchAll(/\{([^}]+)\}/g)].map(([, name]) => name),
      secured: (own.security ?? this.#root.security).every((either) => Object.keys(either).length > 0) && own.security?.length !== 0,
      streaming: own['x-streaming'],
      parameters,
      body: own.requestBody && {
        required: this.#at(`${here}/requestBody`).value.required ?? false,
        content: this.#content(`${here}/requestBody`),
      },
      answers: Object.fromEntries(Object.keys(own.responses).map((status) => [status, this.#answer(`${here}/responses/${status}`)])),
    };
  }

  #answer(pointer) {
    const { value, at } = this.#at(pointer);
    const headers = Object.keys(value.headers ?? {}).map((name) => {
      const header = this.#at(`${at}/headers/${escaped(name)}`);
      return [name.toLowerCase(), { required: header.value.required ?? false, pointer: this.#compiled(`${header.at}/schema`) }];
    });
    return { headers: Object.fromEntries(headers), content: this.#content(pointer) };
  }

  /** Media type → pointer of its schema. */
  #content(pointer) {
    const { value, at } = this.#at(pointer);
    return Object.fromEntries(
      Object.keys(value.content ?? {}).map((type) => [type, this.#compiled(`${at}/content/${escaped(type)}/schema`)]),
    );
  }

  #compiled(pointer) {
    if (!this.#validators.has(pointer)) {
      const uri = pointer.split('/').map(encodeURIComponent).join('/');
      this.#validators.set(pointer, this.#ajv.compile({ $ref: `${DOCUMENT}#${uri}` }));
    }
    return pointer;
  }

  /** What lies at a pointer and where that is, through references. */
  #at(pointer) {
    const value = pointer
      .split('/')
      .slice(1)
      .reduce((node, part) => node[part.replaceAll('~1', '/').replaceAll('~0', '~')], this.#root);
    if (value === undefined) throw new Error(`${pointer}: there is nothing`);
    return value.$ref === undefined ? { value, at: pointer } : this.#at(value.$ref.slice(1));
  }
}
