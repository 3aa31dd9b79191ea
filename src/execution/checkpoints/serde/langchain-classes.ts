import { get_lc_unique_name, type Serializable } from '@langchain/core/load/serializable';
import * as messages from '@langchain/core/messages';
import * as promptValues from '@langchain/core/prompt_values';
import * as prompts from '@langchain/core/prompts';
import type { JsonObject, LangChainObject } from '../../../common/index.js';

type LangChainClass = new (fields: JsonObject) => object;

/** Root of LangChain's namespaces. */
const ROOT = 'langchain_core';

/**
 * The LangChain classes that are restored from a checkpoint, by stored module and name. Everything else that looks like a
 * serialized LangChain object stays a plain object.
 */
const CLASSES: Record<string, Map<string, LangChainClass>> = {
  messages: pick(messages, [
    'HumanMessage',
    'HumanMessageChunk',
    'AIMessage',
    'AIMessageChunk',
    'SystemMessage',
    'SystemMessageChunk',
    'ToolMessage',
    'ToolMessageChunk',
    'FunctionMessage',
    'FunctionMessageChunk',
    'ChatMessage',
    'ChatMessageChunk',
    'RemoveMessage',
  ]),
  prompt_values: pick(promptValues, ['ChatPromptValue', 'ImagePromptValue']),
  prompts: pick(prompts, [
    'PromptTemplate',
    'ChatPromptTemplate',
    'MessagesPlaceholder',
    'HumanMessagePromptTemplate',
    'AIMessagePromptTemplate',
    'SystemMessagePromptTemplate',
    'ChatMessagePromptTemplate',
    'ImagePromptTemplate',
    'DictPromptTemplate',
    'FewShotPromptTemplate',
    'FewShotChatMessagePromptTemplate',
  ]),
};

/** The project's version of LangChain may lack some of them. */
function pick(module: object, names: string[]): Map<string, LangChainClass> {
  const found = names.map((name) => [name, (module as Record<string, unknown>)[name]] as const);
  return new Map(found.filter((entry): entry is [string, LangChainClass] => typeof entry[1] === 'function'));
}

/**
 * The stored name of an object: that of its class, or of the nearest superclass that can be restored. Undefined for objects
 * that are stored as the plain result of their `toJSON`.
 */
export function langchainIdOf(object: LangChainObject): string[] | undefined {
  const [root, module, ...inside] = object.lc_namespace;
  const isKnown = root === ROOT && Object.hasOwn(CLASSES, module);
  const classes = CLASSES[isKnown ? module : 'messages'];
  const namespace = isKnown ? [module, ...inside] : ['messages'];
  for (let level: unknown = object.constructor; typeof level === 'function'; level = Object.getPrototypeOf(level)) {
    const name = get_lc_unique_name(level as typeof Serializable);
    if (classes.has(name)) {
      return [ROOT, ...namespace, name];
    }
  }
  return undefined;
}

/** The class of a stored name; undefined if it is not one that is restored. */
export function langchainClass(id: unknown[]): LangChainClass | undefined {
  const [root, module] = id;
  const name = id.at(-1);
  return root === ROOT && typeof module === 'string' && typeof name === 'string' && Object.hasOwn(CLASSES, module)
    ? CLASSES[module].get(name)
    : undefined;
}

/** Restores an object. Rethrows errors of its constructor. An undefined field gets its default, like an absent one. */
export function newLangChainObject(Class: LangChainClass, fields: JsonObject): object {
  const broken = LISTS.find((key) => !isListOfObjects(fields[key]));
  if (broken !== undefined) {
    throw new TypeError(`${broken} is not a list of objects.`);
  }
  const names = fieldNames(Class);
  const given = Object.entries(fields).filter(([, value]) => value !== undefined);
  return new Class(Object.fromEntries(given.map(([key, value]) => [names[key] || camelCase(key), value])));
}

/** Fields that messages iterate over: the constructors accept anything, and the methods throw later. */
const LISTS = ['tool_calls', 'invalid_tool_calls', 'tool_call_chunks'];

const isListOfObjects = (value: unknown): boolean =>
  value === undefined || (Array.isArray(value) && value.every((item) => typeof item === 'object' && item !== null));

/** Field names by stored name, for stored names that are not just snake case. */
function fieldNames(Class: LangChainClass): Record<string, string> {
  const names: Record<string, string> = Object.create(null) as Record<string, string>;
  for (let level: unknown = Class; typeof level === 'function'; level = Object.getPrototypeOf(level)) {
    const aliases = level.prototype ? (Reflect.get(level.prototype as object, 'lc_aliases') as object | undefined) : {};
    Object.entries(aliases ?? {}).forEach(([name, stored]) => (names[String(stored)] = name));
  }
  return names;
}

/** LangChain's conversion of stored names. */
function camelCase(key: string): string {
  const trimmed = key.trim();
  return /[-_\s]/.test(trimmed)
    ? trimmed
        .replace(/[-_\s]+/g, '_')
        .toLowerCase()
        .replace(/_+([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
    : trimmed;
}
