// Short messages that may be undone. They wait while they are pointed at or focused, and F8 leads to them.
import { Toast } from "radix-ui";
import { useSyncExternalStore } from "react";
import { useTranslation } from "react-i18next";
import { Button, IconButton } from "./Button.tsx";

const SHOWN_MS = 7000;

type Message = { id: number; text: string; undo?: () => void; closed?: () => void };

let messages: Message[] = [];
let last = 0;
const listeners = new Set<() => void>();

/** Shows `text`. `undo` takes back what it tells of; `closed` is called once it can no longer be undone. */
export function tell(text: string, undo?: () => void, closed?: () => void): void {
  last += 1;
  put([...messages, { id: last, text, ...(undo && { undo }), ...(closed && { closed }) }]);
}

function put(next: Message[]): void {
  messages = next;
  for (const listener of [...listeners]) listener();
}

function close(message: Message, undone: boolean): void {
  if (!messages.includes(message)) return;
  put(messages.filter((each) => each !== message));
  if (undone) message.undo?.();
  else message.closed?.();
}

export function Toasts() {
  const { t } = useTranslation();
  const shown = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => messages,
  );
  return (
    <Toast.Provider duration={SHOWN_MS} label={t("toast.label")} swipeDirection="down">
      {shown.map((message) => (
        <Toast.Root key={message.id} className="toast" onOpenChange={(open) => !open && close(message, false)}>
          <Toast.Description>{message.text}</Toast.Description>
          {message.undo && (
            <Toast.Action altText={t("toast.undo")} asChild>
              <Button look="quiet" icon="undo" onClick={() => close(message, true)}>
                {t("toast.undo")}
              </Button>
            </Toast.Action>
          )}
          <Toast.Close asChild>
            <IconButton icon="close" label={t("toast.close")} />
          </Toast.Close>
        </Toast.Root>
      ))}
      <Toast.Viewport className="toasts" label={t("toast.label")} />
    </Toast.Provider>
  );
}
