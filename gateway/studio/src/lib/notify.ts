// Tells outside of the page that a film is finished, if that was allowed and the page is not being looked at.

export const mayAsk = () => "Notification" in window && Notification.permission === "default";

export async function askToNotify(): Promise<boolean> {
  return (await Notification.requestPermission()) === "granted";
}

export function notify(title: string, text: string): void {
  if ("Notification" in window && Notification.permission === "granted" && document.hidden) {
    new Notification(title, { body: text, icon: "/favicon.svg" });
  }
}
