import { v5, v7, validate, version } from 'uuid';

/** Namespace of system assistants' ids. Not one of the RFC namespaces; fixed by the protocol (contract 1.1). */
const ASSISTANT_NAMESPACE = '6ba7b821-9dad-11d1-80b4-00c04fd430c8';

/** A new id that sorts by time of creation (UUIDv7). */
export const newId = (): string => v7();

export const isUuid = (value: unknown): value is string => typeof value === 'string' && validate(value);

/** The id of the system assistant of a graph: the same on every server (behaviours 2.1). */
export const systemAssistantId = (graph_id: string): string => v5(graph_id, ASSISTANT_NAMESPACE);

/** True for every id that {@link systemAssistantId} could give: a hash does not tell which graph it belongs to. */
export const isDerivedId = (id: string): boolean => isUuid(id) && version(id) === 5;
