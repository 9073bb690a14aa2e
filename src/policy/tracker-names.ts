/**
 * Names that analytics and advertising scripts give to what they keep in the visited site's own storage. Our own
 * selection: only names that carry their vendor's mark, taken as facts from the vendors' public cookie documentation
 * (named beside each). `*` stands for any characters. Left out on purpose: names that a site could have chosen itself,
 * consent records, and everything that decides whether one is let in (sessions, CSRF, bot and load-balancer cookies).
 */
export interface TrackerVendor {
  readonly vendor: string
  /** Where the vendor documents the names. */
  readonly source: string
  readonly names: readonly string[]
}

export const trackerVendors: readonly TrackerVendor[] = [
  {
    vendor: 'Google Analytics',
    source: 'developers.google.com/analytics, "Cookie usage on websites"',
    names: [
      '_ga',
      '_ga_*',
      '_gid',
      '_gat',
      '_gat_*',
      '_gac_*',
      '_dc_gtm_*',
      'AMP_TOKEN',
      '__utm?',
      'FPID',
      'FPLC',
    ],
  },
  {
    vendor: 'Google Ads',
    source: 'business.safety.google/adscookies',
    names: ['_gcl_*', '__gads', '__gpi', '__gpi_optout', '__eoi', 'FPAU', 'FPGCLAW', 'FPGCLDC', 'FPGCLGB'],
  },
  {
    vendor: 'Meta pixel',
    source: 'developers.facebook.com, "fbp and fbc parameters"',
    names: ['_fbp', '_fbc', 'lastExternalReferrer', 'lastExternalReferrerTime'],
  },
  {
    vendor: 'Microsoft Advertising',
    source: 'help.ads.microsoft.com, "Cookies set by UET"',
    names: ['_uetsid', '_uetvid', '_uetsid_exp', '_uetvid_exp', '_uetmsclkid', '_uetmsclkid_exp'],
  },
  {
    vendor: 'Microsoft Clarity',
    source: 'learn.microsoft.com/clarity, "Cookie list"',
    names: ['_clck', '_clsk', '_cltk'],
  },
  {
    vendor: 'Microsoft Application Insights',
    source: 'learn.microsoft.com/azure/azure-monitor, "Cookies in Application Insights"',
    names: ['ai_user', 'ai_session', 'AI_buffer*', 'AI_sentBuffer*'],
  },
  { vendor: 'Hotjar', source: 'help.hotjar.com, "Cookies set by the Hotjar tracking code"', names: ['_hj*'] },
  {
    vendor: 'LinkedIn Insight',
    source: 'linkedin.com/legal/l/cookie-table',
    names: ['li_fat_id', 'li_giant', 'ln_or', 'li_adsId'],
  },
  {
    vendor: 'TikTok pixel',
    source: 'ads.tiktok.com/help, "Using cookies with TikTok pixel"',
    names: ['_ttp', '_tt_enable_cookie', 'ttcsid', 'ttcsid_*', '_tt_appInfo', '_tt_sessionId', 'tt_pixel_*'],
  },
  { vendor: 'X pixel', source: 'business.x.com/help, "Conversion tracking"', names: ['_twclid', '_twpid'] },
  {
    vendor: 'Pinterest tag',
    source: 'help.pinterest.com/business, "Pinterest tag parameters and cookies"',
    names: ['_pin_unauth', '_derived_epik', '_epik', '_pinterest_ct_*'],
  },
  {
    vendor: 'Snap pixel',
    source: 'businesshelp.snapchat.com, "Snap pixel cookies"',
    names: ['_scid', '_scid_r', '_ScCbts', '_schn', '_schn1', '_sctr'],
  },
  { vendor: 'Reddit pixel', source: 'business.reddithelp.com, "Reddit pixel"', names: ['_rdt_*'] },
  { vendor: 'Yandex Metrica', source: 'yandex.com/support/metrica, "Cookies"', names: ['_ym_*'] },
  {
    vendor: 'HubSpot',
    source: 'knowledge.hubspot.com, "Cookies set in a visitor\'s browser by HubSpot"',
    names: ['__hstc', '__hssc', '__hssrc', 'hubspotutk'],
  },
  {
    vendor: 'Segment',
    source: 'segment.com/docs, "Analytics.js cookies"',
    names: ['ajs_*', 'analytics_session_id*'],
  },
  {
    vendor: 'Mixpanel',
    source: 'docs.mixpanel.com, "JavaScript SDK: persistence"',
    names: ['mp_*_mixpanel', '__mpq_*', 'mp_gen_new_tab_id*', '__mp_opt_in_out_*', '__mprec_*'],
  },
  {
    vendor: 'Amplitude',
    source: 'amplitude.com/docs, "Cookies and consent"',
    names: [
      'amplitude_id*',
      'amplitude_unsent*',
      'AMP_??????????',
      'AMP_MKTG_*',
      'AMP_unsent_*',
      'AMP_remote_config_*',
    ],
  },
  { vendor: 'Heap', source: 'help.heap.io, "Heap cookies"', names: ['_hp2_*', '_hp5_*', '_hp3_*'] },
  {
    vendor: 'PostHog',
    source: 'posthog.com/docs, "Persistence"',
    names: ['ph_*_posthog', '__ph_opt_in_out_*'],
  },
  { vendor: 'Matomo', source: 'matomo.org/faq, "What are the cookies created by Matomo"', names: ['_pk_*'] },
  {
    vendor: 'Adobe Experience Cloud',
    source: 'experienceleague.adobe.com, "Experience Cloud cookies"',
    names: [
      'AMCV_*',
      'AMCVS_*',
      's_cc',
      's_sq',
      's_fid',
      's_vi',
      's_vi_*',
      's_ecid',
      'kndctr_*_identity',
      'kndctr_*_cluster',
      'at_check',
      'mboxEdgeCluster',
    ],
  },
  {
    vendor: 'Optimizely',
    source: 'support.optimizely.com, "Cookies and localStorage"',
    names: ['optimizely*'],
  },
  { vendor: 'VWO', source: 'help.vwo.com, "Cookies stored by VWO"', names: ['_vwo_*', '_vis_opt_*'] },
  {
    vendor: 'AB Tasty',
    source: 'docs.abtasty.com, "Cookies"',
    names: ['ABTasty', 'ABTastySession', 'ABTastyData', 'ABTastyDomainTest', 'ABTastyOptout'],
  },
  {
    vendor: 'Kameleoon',
    source: 'developers.kameleoon.com, "Cookies"',
    names: ['kameleoonVisitorCode', 'kameleoonData', 'kameleoonExperiment*'],
  },
  {
    vendor: 'Dynamic Yield',
    source: 'support.dynamicyield.com, "Cookies"',
    names: ['_dy_*', '_dyid', '_dyid_server', '_dyjsession', '_dycnst', '_dycst', '_dyfs'],
  },
  {
    vendor: 'Crazy Egg',
    source: 'support.crazyegg.com, "Crazy Egg cookies"',
    names: ['_ce.*', '_ceg.*', '_ceir', '_CEFT', 'cebs'],
  },
  {
    vendor: 'Mouseflow',
    source: 'help.mouseflow.com, "Cookies"',
    names: ['mf_user', 'mf_initialDomQueue', 'mf_transmitQueue'],
  },
  {
    vendor: 'FullStory',
    source: 'help.fullstory.com, "Cookies"',
    names: ['fs_uid', 'fs_lua', 'fs_cid', '_fs_*'],
  },
  {
    vendor: 'LogRocket',
    source: 'docs.logrocket.com, "Cookies"',
    names: ['_lr_uf_-*', '_lr_tabs_-*', '_lr_hb_-*', '_lr_id_', '_lr_env_*'],
  },
  { vendor: 'Smartlook', source: 'help.smartlook.com, "Cookies"', names: ['SL_C_*'] },
  {
    vendor: 'Lucky Orange',
    source: 'help.luckyorange.com, "Cookies"',
    names: ['_lo_uid', '_lo_v', '_lorid', '__lotl', '__lotr'],
  },
  { vendor: 'Inspectlet', source: 'docs.inspectlet.com, "Cookies"', names: ['__insp_*'] },
  {
    vendor: 'Contentsquare',
    source: 'docs.contentsquare.com, "Cookies"',
    names: ['_cs_c', '_cs_id', '_cs_s', '_cs_ex', '_cs_mk*', '_cs_cvars', '_cs_root-domain', '_cs_optout'],
  },
  { vendor: 'Quantum Metric', source: 'quantummetric.com, "Cookie policy"', names: ['QuantumMetric*'] },
  { vendor: 'Glassbox', source: 'glassbox.com, "Cookies"', names: ['_cls_v', '_cls_s', '_cls_cfg'] },
  {
    vendor: 'New Relic',
    source: 'docs.newrelic.com, "Browser agent: cookies and storage"',
    names: ['NREUM', 'NRAGENT', 'NRBA_*'],
  },
  {
    vendor: 'Datadog RUM',
    source: 'docs.datadoghq.com, "RUM browser data collected"',
    names: ['_dd_s', '_dd_s_v2'],
  },
  {
    vendor: 'Dynatrace',
    source: 'docs.dynatrace.com, "Cookies and web storage"',
    names: [
      'dtCookie',
      'dtCookie?',
      'dtLatC',
      'dtPC',
      'dtSa',
      'dtValidationCookie',
      'dtDisabled',
      'rxVisitor',
      'rxvt',
      'rxvisitid',
    ],
  },
  { vendor: 'Marketo', source: 'experienceleague.adobe.com, "Munchkin cookie"', names: ['_mkto_trk'] },
  {
    vendor: 'Pardot',
    source: 'help.salesforce.com, "Account Engagement cookies"',
    names: ['visitor_id*-hash', 'pardot'],
  },
  {
    vendor: 'Eloqua',
    source: 'docs.oracle.com, "Eloqua tracking cookies"',
    names: ['ELOQUA', 'ELQSTATUS', 'ELQSITEVISITED'],
  },
  {
    vendor: 'Criteo',
    source: 'criteo.com/privacy, "First-party cookies"',
    names: [
      'cto_bundle',
      'cto_bidid',
      'cto_dna_bundle',
      'cto_tld_test',
      'cto_optout',
      'cto_lwid',
      'cto_idcpy',
    ],
  },
  {
    vendor: 'Taboola',
    source: 'taboola.com/policies, "Cookies"',
    names: ['t_gid', 't_pt_gid', 'taboola global:*', 'trc_cookie_storage', 'taboola_*'],
  },
  {
    vendor: 'Outbrain',
    source: 'outbrain.com/privacy, "Cookies"',
    names: ['outbrain_cid_fetch', 'OB-USER-TOKEN', '_ob_*'],
  },
  { vendor: 'AdRoll', source: 'help.adroll.com, "Cookies"', names: ['__adroll*', '__ar_v4'] },
  { vendor: 'Quantcast', source: 'quantcast.com, "Quantcast measure cookie"', names: ['__qca'] },
  {
    vendor: 'Chartbeat',
    source: 'docs.chartbeat.com, "Cookies"',
    names: ['_cb', '_cb_ls', '_cb_svref', '_cb_expires', '_chartbeat*', '_v__chartbeat3', '_v__cb_cp'],
  },
  { vendor: 'Parse.ly', source: 'docs.parse.ly, "Cookies"', names: ['_parsely_*'] },
  {
    vendor: 'Klaviyo',
    source: 'help.klaviyo.com, "Klaviyo cookies"',
    names: ['__kla_id', '__kla_viewed', '__kla_off', 'klaviyoOnsite', 'klaviyoPagesVisitCount'],
  },
  { vendor: 'Attentive', source: 'attentive.com, "Cookie list"', names: ['__attentive_*', '_attn_'] },
  {
    vendor: 'Braze',
    source: 'braze.com/docs, "Web SDK cookies and storage"',
    names: ['ab.storage.*', 'ab._gd', 'ab.optOut'],
  },
  {
    vendor: 'Snowplow',
    source: 'docs.snowplow.io, "Cookies and local storage"',
    names: ['_sp_id.*', '_sp_ses.*', '_sp_root_domain_test_*', 'snowplowOutQueue_*'],
  },
  { vendor: 'Tealium', source: 'docs.tealium.com, "utag_main cookie"', names: ['utag_main', 'utag_main_*'] },
  {
    vendor: 'Piano Analytics',
    source: 'developers.atinternet-solutions.com, "Cookies"',
    names: ['_pctx', 'atuserid', 'atidvisitor', 'atauthority', 'pa_vid'],
  },
  {
    vendor: 'Kissmetrics',
    source: 'support.kissmetrics.io, "Cookies"',
    names: ['km_ai', 'km_lv', 'km_vs', 'km_ni', 'kvcd'],
  },
  {
    vendor: 'Lotame',
    source: 'lotame.com, "Panorama cookies"',
    names: ['_cc_id', '_cc_dc', '_cc_aud', '_cc_cc', '_cc_domain', 'panoramaId*'],
  },
  { vendor: 'ID5', source: 'wiki.id5.io, "Storage"', names: ['id5id', 'id5id.1st*', 'id5id_*', '_id5_*'] },
  {
    vendor: 'Prebid',
    source: 'docs.prebid.org, "User ID modules"',
    names: ['_sharedID*', '_sharedid*', '_pubcid*', 'pbjs_*', 'pbjs-*', '__uid2_advertising_token'],
  },
  {
    vendor: 'Permutive',
    source: 'support.permutive.com, "Cookies"',
    names: ['permutive-id', 'permutive-*'],
  },
  {
    vendor: 'Sailthru',
    source: 'getstarted.sailthru.com, "Cookies"',
    names: ['sailthru_hid', 'sailthru_visitor', 'sailthru_pageviews', 'sailthru_content', 'sailthru_bid'],
  },
  { vendor: 'Impact', source: 'impact.com, "Universal tracking tag cookies"', names: ['IR_gbd', 'IR_PI'] },
  {
    vendor: 'Awin',
    source: 'wiki.awin.com, "Cookies"',
    names: ['_aw_m_*', '_aw_j_*', '_aw_sn_*', '_aw_xid', 'AwinChannelCookie', 'AwinCookie'],
  },
  {
    vendor: 'AppsFlyer',
    source: 'support.appsflyer.com, "Web SDK cookies"',
    names: ['afUserId', 'AF_SYNC', 'AF_SESSION', 'af_id'],
  },
  {
    vendor: 'Branch',
    source: 'help.branch.io, "Web SDK storage"',
    names: ['branch_session_first', '_s_branch_*'],
  },
  {
    vendor: 'Jetpack',
    source: 'automattic.com/cookies',
    names: ['tk_ai', 'tk_ai_explat', 'tk_lr', 'tk_or', 'tk_r3d', 'tk_tc', 'tk_qs'],
  },
  {
    vendor: 'Sourcebuster',
    source: 'woocommerce.com/document/order-attribution-tracking',
    names: ['sbjs_*'],
  },
  {
    vendor: 'Shopify Analytics',
    source: 'shopify.com/legal/cookies',
    names: [
      '_shopify_y',
      '_shopify_s',
      '_shopify_sa_*',
      '_shopify_d',
      '_shopify_fs',
      '_shopify_ga',
      '_shopify_ga_*',
    ],
  },
  {
    vendor: 'StatCounter',
    source: 'statcounter.com/about/cookies',
    names: ['sc_is_visitor_unique', 'sc_medium_source', 'sc_project_*'],
  },
  {
    vendor: 'Clicky',
    source: 'clicky.com/help, "Cookies"',
    names: ['_jsuid', '_referrer_og', 'heatmaps_g2g_*', 'cluid', '_clicky_*'],
  },
  {
    vendor: 'AddThis',
    source: 'oracle.com/legal, "AddThis cookies"',
    names: ['__atuvc', '__atuvs', '__atssc', '_at.cww', 'at-rand', 'at-lojson-cache-*'],
  },
  {
    vendor: 'ShareThis',
    source: 'sharethis.com/privacy, "Cookies"',
    names: ['__stid', '__stidv', '__unam', '_stid'],
  },
  { vendor: 'Woopra', source: 'docs.woopra.com, "Cookies"', names: ['wooTracker', 'wooMeta'] },
  {
    vendor: 'Drift',
    source: 'drift.com, "Cookies"',
    names: ['driftt_aid', 'drift_aid', 'drift_campaign_refresh', 'driftt_sid', 'drift_eid'],
  },
  {
    vendor: 'mPulse',
    source: 'techdocs.akamai.com/mpulse, "Cookies and storage"',
    names: ['_boomr_*', 'BOOMR_*'],
  },
  { vendor: 'Bugsnag', source: 'docs.bugsnag.com, "Anonymous IDs"', names: ['bugsnag-anonymous-id'] },
  { vendor: 'Sentry replay', source: 'docs.sentry.io, "Session replay"', names: ['sentryReplaySession'] },
]
