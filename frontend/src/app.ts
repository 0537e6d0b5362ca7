/** The only script of the public pages. Every island improves a page that already works without it. */
import "./app.css";

import { onSwap } from "./islands/connect";
import { connectCopyButtons } from "./islands/copy";
import { connectCountdowns } from "./islands/countdown";
import { guardAgainstErrorSwaps } from "./islands/failures";
import { keepTimesFresh } from "./islands/fresh";
import { moveInGridByKeys } from "./islands/grid";
import { sendFormsOnce } from "./islands/once";
import { connectRefresh } from "./islands/refresh";
import { switchThemeInPlace } from "./islands/theme";
import { scrollToTimes } from "./islands/times";
import { connectNotices } from "./islands/notices";
import { detectTimeZone } from "./islands/zone";

guardAgainstErrorSwaps();
sendFormsOnce();
switchThemeInPlace();
scrollToTimes();
moveInGridByKeys();
keepTimesFresh();
onSwap(connectCopyButtons);
onSwap(connectCountdowns);
onSwap(connectNotices);
onSwap(connectRefresh);
detectTimeZone();
