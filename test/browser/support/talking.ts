import { newPace, type Pace } from './pace.js';
import type { Scene } from './browser.js';
import type { PageView } from './page-view.js';
import type { Settings } from '../pages/settings.js';

/** A page on which an answer is being given. */
export interface Talking {
  page: PageView;
  pace: Pace;
  thread_id: string;
  run_id: string;
}

/** A page on which the response has reached its second word. */
export async function startTalking(
  open: Scene['open'],
  settings: Partial<Settings> & Pick<Settings, 'apiUrl'>,
): Promise<Talking> {
  const pace = newPace();
  const page = await open('stream', {
    assistantId: 'chat',
    input: { pace: pace.path },
    ...settings,
  });
  await page.send('parrots');
  pace.allow(2);
  const view = await page.until(({ messages }) => messages[1] === 'Answer 1 ');
  const [run] = view.told('onCreated') as { thread_id: string; run_id: string }[];
  return { page, pace, ...run };
}
