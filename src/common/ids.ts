import { v5, v7, validate, version } from 'uuid';

/** UUID namespace of the ids of system assistants. Fixed by the protocol (contract 1.1); not one of the RFC namespaces. */
const ASSISTANT_NAMESPACE = '6ba7b821-9dad-11d1-80b4-00c04fd430c8';

/** A new id that sorts by time of creation (UUIDv7). */
export const newId = (): string => v7();

export const isUuid = (value: unknown): value is string => typeof value === 'string' && validate(value);

/** The id of the system assistant of a graph, which is the same on every server (behaviours 2.1). */
export const systemAssistantId = (graph_id: string): string => v5(graph_id, ASSISTANT_NAMESPACE);

/** True for every id that {@link systemAssistantId} could return: the graph cannot be derived from the hash. */
export const isDerivedId = (id: string): boolean => isUuid(id) && version(id) === 5;
