"""The pay page; mounted at `sandbox/pay/`."""

from django.urls import path

from greenroom.integrations.stripe.sandbox import views

app_name = "payments_sandbox"
urlpatterns = [path("<str:ref>", views.pay, name="pay")]
