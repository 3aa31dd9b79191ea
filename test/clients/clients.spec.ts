import path from 'node:path';
import { describe } from '@jest/globals';
import { serverForFile } from '../support/sdk.js';
import { agentInbox } from './agent-inbox.js';
import { copilotKit } from './copilotkit.js';
import { deepAgentsUi } from './deep-agents-ui.js';
import { studio } from './studio.js';

/** One server for all: the applications that people point at a LangGraph server. agent-chat-ui is in test/browser. */
const server = serverForFile({ project: path.join(import.meta.dirname, 'graphs') });

describe('agent-inbox', () => agentInbox(server));
describe('deep-agents-ui', () => deepAgentsUi(server));
describe("CopilotKit's LangGraph adapter", () => copilotKit(server));
describe('LangGraph Studio', () => studio(server));
