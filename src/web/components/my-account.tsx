// Owns one's account: name, colour, picture, the devices it is used on, and taking it to another one.
import { useEffect, useState } from 'preact/hooks';
import { linkPath } from '../address.ts';
import { COLOURS } from '../colours.ts';
import type { AccountLink, Profile } from '../page-people.ts';
import { agoLabel, leftLabel } from '../people-wording.ts';
import { Avatar } from './avatar.tsx';
import { ConfirmDialog } from './confirm-dialog.tsx';
import { CopyLink } from './copy-link.tsx';
import { NameField } from './name-field.tsx';
import { useSession } from './session-context.ts';
import { useAsked } from './use-asked.ts';

function ProfileForm({ profile, onSaved }: { profile: Profile; onSaved: () => void }) {
  const session = useSession();
  const { social, notices } = session;
  const [name, setName] = useState(profile.name);
  const [colour, setColour] = useState(profile.colour);
  const [picture, setPicture] = useState(profile.picture ?? '');
  const save = (): void =>
    social.run(async () => {
      const trimmed = name.trim();
      const wanted = picture.trim();
      await social.call(() =>
        social.friends.setProfile({
          colour,
          ...(wanted !== (profile.picture ?? '') && { picture: wanted === '' ? null : wanted }),
        }),
      );
      if (trimmed !== session.guest.name) await session.introduce(trimmed);
      notices.show('event', 'Saved.');
      onSaved();
    });
  return (
    <form
      class="settings"
      onSubmit={(event) => {
        event.preventDefault();
        save();
      }}
    >
      <NameField value={name} onChange={setName} />
      <fieldset class="colours">
        <legend class="field-label">Colour</legend>
        {COLOURS.map((one) => (
          <label key={one} class={`colour of-${one}`}>
            <input
              type="radio"
              name="colour"
              value={one}
              checked={colour === one}
              onChange={() => setColour(one)}
            />
            <span class="sr-only">{one}</span>
          </label>
        ))}
      </fieldset>
      <label class="field">
        <span class="field-label">Picture</span>
        <input
          type="url"
          inputMode="url"
          pattern="https://.*"
          maxLength={512}
          placeholder="https://…"
          value={picture}
          onInput={(event) => setPicture(event.currentTarget.value)}
        />
        <span class="quiet">
          The address of a picture elsewhere. Whoever sees you loads it from there.
        </span>
      </label>
      <div class="button-row">
        <Avatar
          name={name}
          colour={colour}
          picture={picture.startsWith('https://') ? picture : undefined}
        />
        <button type="submit" class="button primary" disabled={name.trim() === ''}>
          Save
        </button>
      </div>
    </form>
  );
}

function Devices() {
  const { social, guest } = useSession();
  const [devices, again] = useAsked(() => social.friends.devices(), []);
  const [losing, setLosing] = useState<string>();
  const nowMs = social.hubNow() ?? Date.now();
  return (
    <section class="part" aria-labelledby="devices-title">
      <h3 id="devices-title">Devices</h3>
      <p class="quiet" role="status">
        {devices.kind === 'refused' && devices.why}
        {devices.kind === 'loading' && 'A moment…'}
      </p>
      <ul>
        {devices.kind === 'there' &&
          devices.value.map(({ id, label, usedAt }) => (
            <li key={id} class="person-row">
              <span class="person-name">
                {label}
                {id === guest.deviceId && <span class="quiet"> (this one)</span>}
              </span>
              <span class="quiet">used {agoLabel(nowMs - usedAt)}</span>
              {id !== guest.deviceId && (
                <button
                  type="button"
                  class="button compact"
                  aria-label={`Sign out ${label}`}
                  onClick={() => setLosing(id)}
                >
                  Sign out
                </button>
              )}
            </li>
          ))}
      </ul>
      {losing !== undefined && (
        <ConfirmDialog
          title="Sign this device out?"
          text="It is nobody’s then. What is yours stays with you here."
          action="Sign out"
          run={() =>
            social.run(async () => {
              await social.call(() => social.friends.revokeDevice(losing));
              again();
            })
          }
          onClose={() => setLosing(undefined)}
        />
      )}
    </section>
  );
}

function AnotherDevice() {
  const { social } = useSession();
  const [link, setLink] = useState<AccountLink>();
  const [nowMs, setNowMs] = useState(() => social.hubNow() ?? Date.now());
  useEffect(() => {
    if (link === undefined) return undefined;
    const look = (): void => setNowMs(social.hubNow() ?? Date.now());
    look();
    const ticking = setInterval(look, 1_000);
    return () => clearInterval(ticking);
  }, [social, link]);
  const make = (): void =>
    social.run(async () => setLink(await social.call(() => social.friends.link())));
  const isGood = link !== undefined && link.expiresAt > nowMs;
  return (
    <section class="part" aria-labelledby="another-title">
      <h3 id="another-title">Use this account on another device</h3>
      {isGood ? (
        <CopyLink
          link={location.origin + linkPath(link.code)}
          label="Link for your device"
          words="My account"
          note={<p class="quiet">{leftLabel(link.expiresAt - nowMs)}</p>}
        >
          <p>Open it there. It works once, and whoever has it is you: show it to nobody else.</p>
        </CopyLink>
      ) : (
        <>
          <p class="quiet">
            {link === undefined
              ? 'A link that works once, within ten minutes.'
              : 'The link is too old now.'}
          </p>
          <button type="button" class="button" onClick={make}>
            Make a link
          </button>
        </>
      )}
    </section>
  );
}

export function MyAccount() {
  const { social } = useSession();
  const [profile, again] = useAsked(() => social.friends.profile(), []);
  return (
    <>
      {profile.kind === 'there' ? (
        <ProfileForm key={JSON.stringify(profile.value)} profile={profile.value} onSaved={again} />
      ) : (
        <p class="quiet" role="status">
          {profile.kind === 'loading' ? 'A moment…' : profile.why}
        </p>
      )}
      <AnotherDevice />
      <Devices />
    </>
  );
}
