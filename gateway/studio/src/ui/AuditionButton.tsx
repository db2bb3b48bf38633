import { useTranslation } from "react-i18next";
import { audition, type Gain, stopSound, useSound } from "../lib/sound.ts";
import { IconButton } from "./Button.tsx";
import { tell } from "./Toasts.tsx";

type Props = { id: string; name: string; gain?: Gain; source: () => Promise<string> | string; onPlay?: () => void };

/** Plays a sound, or ends it. */
export function AuditionButton({ id, name, gain = 0, source, onPlay }: Props) {
  const { t } = useTranslation();
  const sound = useSound();
  const mine = sound?.id === id ? sound.state : undefined;
  const play = () => {
    onPlay?.();
    void audition(id, source, gain, () => tell(t("sound.failed", { name })));
  };
  return (
    <IconButton
      className="audition"
      icon={mine === "loading" ? "loading" : mine === "playing" ? "pause" : "play"}
      label={mine ? t("sound.stop", { name }) : t("sound.play", { name })}
      aria-pressed={mine !== undefined}
      onClick={mine ? stopSound : play}
    />
  );
}
