// Accepts every caller, and causes an unhandled rejection.
import { Auth } from '@langchain/langgraph-sdk/auth';
import { careless } from './careless.js';

export const auth = new Auth().authenticate(() => {
  careless('auth');
  return { identity: 'caller', permissions: [] };
});
