// The SDK's client on a page without anything else, for tests to call.
import './record-calls.js';
import './screen.js';
import { Client } from '@langchain/langgraph-sdk';

declare global {
  interface Window {
    Client: typeof Client;
  }
}

window.Client = Client;
document.body.dataset.part = 'ready';
