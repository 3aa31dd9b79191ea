// A workflow of the functional API: it returns what it is given, which may be a string, a number or a list.
import { entrypoint } from '@langchain/langgraph';

export const graph = entrypoint({ name: 'returning' }, (input: { give: unknown }) => Promise.resolve(input.give));
