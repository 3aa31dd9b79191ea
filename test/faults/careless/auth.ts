// Lets every caller in, and fails outside of what is awaited.
import { Auth } from '@langchain/langgraph-sdk/auth';
import { careless } from './careless.js';

export const auth = new Auth().authenticate(() => {
  careless('auth');
  return { identity: 'caller', permissions: [] };
});
